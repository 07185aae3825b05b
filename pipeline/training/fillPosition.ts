import { type Failure, retryThenQuarantine, StalledError } from '../../operators/index.js';
import { type ClipPair, SampleError, type SynthesisTask, WorkerDiedError } from '../../workers/index.js';
import type { SamplePlan } from '../sampler.js';

/** A line of quarantine.jsonl. */
export type SampleFailure = { clip: string; stage: string; reason: string; attempts: number };
export type FilledPosition = { plan: SamplePlan; pair: ClipPair; failures: SampleFailure[] };

/** No candidate of a position could be read: the run cannot go on, exit code 3. */
export class UnfilledPositionError extends Error {
  override name = 'UnfilledPositionError';
  constructor(
    { key }: SamplePlan,
    readonly failures: readonly SampleFailure[],
  ) {
    const last = failures.at(-1);
    super(
      `epoch ${key.epoch}, position ${key.position}: none of ${failures.length} clips could be used; the last was ${last?.clip} (${last?.stage}: ${last?.reason})`,
    );
  }
}

/** Bad data stays bad; a worker that died or hung may have had bad luck. */
const isRetryable = (error: unknown): boolean => error instanceof WorkerDiedError;

/** A worker that has not answered after this long is ended and its clip tried again. */
const STALL_MS = 120_000;

/** How one clip is tried. */
export const attemptOptions = { isRetryable, stallMs: STALL_MS };

/** What quarantine.jsonl says of a clip that could not be used. @throws an error that is not the clip's fault. */
export function describeFailure({ item, attempts, error }: Failure<string>): SampleFailure {
  if (error instanceof SampleError) return { clip: item, stage: error.stage, reason: error.reason, attempts };
  if (error instanceof WorkerDiedError || error instanceof StalledError)
    return { clip: item, stage: 'worker', reason: error.message, attempts };
  throw error;
}

/**
 * Makes the task that fills a position with a pair: of the planned clip, or, when that cannot be used, of the first
 * substitute that can. Which clip it becomes depends on the files alone, so a resumed run or another number of workers
 * chooses the same.
 */
export function fillPosition(
  taskOf: (plan: SamplePlan, clip: string) => SynthesisTask,
  run: (task: SynthesisTask, signal: AbortSignal) => Promise<ClipPair>,
): (plan: SamplePlan, index: number, signal: AbortSignal) => Promise<FilledPosition> {
  return async (plan, index, signal) => {
    const fill = retryThenQuarantine<SamplePlan, string, ClipPair>(
      ({ candidates }) => candidates,
      (clip, abort) => run(taskOf(plan, clip), abort),
      attemptOptions,
    );
    const outcome = await fill(plan, index, signal);
    const failures = outcome.failures.map(describeFailure);
    if (!outcome.ok) throw new UnfilledPositionError(plan, failures);
    return { plan, pair: outcome.value, failures };
  };
}
