import type { Budget } from '../../operators/index.js';
import { duration } from '../progress.js';
import type { CallClock } from './callClock.js';
import type { TimeLimits } from './timeLimits.js';
import { TrainingError } from './trainActorClient.js';

/** A call is stuck when it takes so many times what calls of its kind usually take. */
const STUCK_FACTOR = 20;
/** With the money gone, a call may still take so many times the usual. */
const BROKE_FACTOR = 3;
const LOOK_MS = 1000;

/** What the train actor is at when it is called so, for people. */
const WORDS: Record<string, string> = {
  start: 'starting the engine',
  micro: 'a training step',
  apply: 'a training step',
  score: 'scoring validation clips',
  save: 'writing a checkpoint',
};

/** The train actor does not come back from a call. Nothing ends its thread, so the process has to go: exit code 4. */
export class StuckError extends TrainingError {
  override name = 'StuckError';
}

export type StuckWatchOptions = {
  /** Of the actor at work now, where there is one. */
  calls: () => Pick<CallClock, 'underWay' | 'usual'> | undefined;
  budget: Pick<Budget, 'share'>;
  limits: Pick<TimeLimits, 'stuckMs' | 'firstStuckMs' | 'brokeMs'>;
};

/** Whether a call has to be given up, in words: it takes far too long, or the money is spent and it has not ended. */
export function stuckReason({ calls, budget, limits }: StuckWatchOptions): string | undefined {
  const clock = calls();
  const call = clock?.underWay;
  if (!clock || !call) return undefined;
  const usual = clock.usual(call.name);
  const broke = budget.share() >= 1;
  // A run that is resumed without money has to start all the same, to say so and to end well.
  const most =
    broke && call.name !== 'start'
      ? Math.max(limits.brokeMs, BROKE_FACTOR * (usual ?? 0))
      : Math.max(usual === undefined ? limits.firstStuckMs : limits.stuckMs, STUCK_FACTOR * (usual ?? 0));
  if (call.ms < most) return undefined;
  const than = usual === undefined ? '' : `, where such take ${duration(usual / 1000)}`;
  const money = broke ? '; the budget is spent' : '';
  return `${WORDS[call.name] ?? call.name} has not ended after ${duration(call.ms / 1000)}${than}${money}`;
}

/** A hung GPU or network volume spends money for ever. @throws StuckError when a call does not end; else never settles. */
export function watchForStuckCalls(options: StuckWatchOptions): { stuck: Promise<never>; release: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const reason = stuckReason(options);
      if (reason !== undefined) reject(new StuckError(reason));
    }, LOOK_MS);
  });
  stuck.catch(() => {}); // it may come when nobody waits any more
  return { stuck, release: () => clearInterval(timer) };
}
