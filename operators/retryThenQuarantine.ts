import { type AttemptOptions, attempt } from './attempt.js';
import { positiveInteger } from './positiveInteger.js';

/** An item that failed for good. */
export type Failure<T> = { item: T; attempts: number; error: unknown };

/** The result of one position, with the items that had to be set aside to get it, in the order they were tried. */
export type Quarantined<T, R> =
  | { ok: true; item: T; value: R; failures: Failure<T>[] }
  | { ok: false; failures: Failure<T>[] };

export type RetryThenQuarantineOptions<T> = AttemptOptions<T> & {
  /**
   * The most candidates tried for one position; a bound, because candidates may be endless and all broken. Default 10.
   */
  maxCandidates?: number;
};

/**
 * Makes a task for `orderedMap` that survives broken items. A position has candidates, best first; each is attempted
 * (and retried if that may help), and when it fails for good the next one takes its place. Failures travel with the
 * result, so quarantine list and failure budget see them in input order, however the tasks were interleaved. Which
 * candidate wins depends on the candidates and their errors alone, not on time.
 *
 * @example
 * positions.pipe(
 *   orderedMap(
 *     retryThenQuarantine((position) => sampler.candidates(position), (clip, signal) => pool.run(clip, { signal }), {
 *       attempts: 2,
 *       isRetryable: (error) => error instanceof WorkerDied,
 *     }),
 *     { concurrency: 4 },
 *   ),
 *   tap(({ failures }) => quarantine(failures)),
 *   failureBudget({ maxCount: 100, maxRate: 0.2, minSamples: 20 }),
 * )
 */
export function retryThenQuarantine<P, T, R>(
  candidates: (position: P, index: number) => Iterable<T>,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  options: RetryThenQuarantineOptions<T> = {},
): (position: P, index: number, signal: AbortSignal) => Promise<Quarantined<T, R>> {
  const maxCandidates = positiveInteger('maxCandidates', options.maxCandidates ?? 10);
  return async (position, index, signal) => {
    const failures: Failure<T>[] = [];
    for (const item of candidates(position, index)) {
      const outcome = await attempt(item, task, options, signal);
      if (outcome.ok) return { ok: true, item, value: outcome.value, failures };
      failures.push({ item, attempts: outcome.attempts, error: outcome.error });
      if (failures.length >= maxCandidates) break;
    }
    return { ok: false, failures };
  };
}
