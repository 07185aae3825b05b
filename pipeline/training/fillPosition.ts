import { type Failure, retryThenQuarantine } from '../../operators/index.js';
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

/** How one clip is tried: bad data stays bad, but a worker or an encoder that died or hung may have had bad luck. */
export const attemptOptions = {
  isRetryable: (error: unknown): boolean =>
    (error instanceof WorkerDiedError || error instanceof SampleError) && error.retryable,
};

/** What quarantine.jsonl says of a clip that could not be used. @throws an error that is not the clip's fault. */
export function describeFailure({ item, attempts, error }: Failure<string>): SampleFailure {
  if (error instanceof SampleError) return { clip: item, stage: error.stage, reason: error.reason, attempts };
  if (error instanceof WorkerDiedError) return { clip: item, stage: 'worker', reason: error.message, attempts };
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
