import { type Clock, monotonicClock } from './clock.js';
import { positiveInteger } from './positiveInteger.js';

/** What became of one item: a value, or the error of the last attempt. */
export type Attempted<T, R> =
  | { ok: true; item: T; value: R; attempts: number }
  | { ok: false; item: T; error: unknown; attempts: number };

export type AttemptOptions<T> = {
  /** Attempts in all, the first included. Default 2. */
  attempts?: number;
  /** Whether another attempt may help: an actor died, not a file is broken. Default: always. */
  isRetryable?: (error: unknown) => boolean;
  /** Aborts an attempt after this many milliseconds; it fails with a StalledError, which is always retryable. */
  stallMs?: number;
  /** Told of every failed attempt as it happens. */
  onFailure?: (failure: { item: T; error: unknown; attempt: number; elapsedMs: number }) => void;
  clock?: Clock;
};

/** An attempt gave no answer in time and was aborted. */
export class StalledError extends Error {
  override readonly name = 'StalledError';
  constructor(readonly stallMs: number) {
    super(`No answer within ${stallMs} ms`);
  }
}

/**
 * Runs a task, again after a retryable error, and reports the end as a value rather than by throwing. Only an abort of
 * `signal` rejects: a cancelled item is not a broken one.
 *
 * @example
 * const outcome = await attempt(clip, (clip, signal) => pool.run(clip, { signal }), {
 *   attempts: 2,
 *   isRetryable: (error) => error instanceof WorkerDied,
 *   stallMs: 60_000,
 * });
 */
export async function attempt<T, R>(
  item: T,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  options: AttemptOptions<T> = {},
  signal?: AbortSignal,
): Promise<Attempted<T, R>> {
  const { isRetryable = () => true, stallMs, onFailure, clock = monotonicClock } = options;
  const most = positiveInteger('attempts', options.attempts ?? 2);
  for (let number = 1; ; number += 1) {
    signal?.throwIfAborted();
    const startedAt = clock();
    try {
      return { ok: true, item, value: await once(item, task, signal, stallMs), attempts: number };
    } catch (error) {
      signal?.throwIfAborted();
      onFailure?.({ item, error, attempt: number, elapsedMs: clock() - startedAt });
      if (number >= most || !(error instanceof StalledError || isRetryable(error))) {
        return { ok: false, item, error, attempts: number };
      }
    }
  }
}

/** One attempt. It settles on abort or stall even if the task pays no attention to its signal. */
function once<T, R>(
  item: T,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal | undefined,
  stallMs: number | undefined,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const stop = (reason: unknown) => {
      end();
      reject(reason);
      controller.abort(reason);
    };
    const onAbort = () => stop(signal?.reason);
    const timer = stallMs === undefined ? undefined : setTimeout(() => stop(new StalledError(stallMs)), stallMs);
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    (async () => task(item, controller.signal))().finally(end).then(resolve, reject);
  });
}
