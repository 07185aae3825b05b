import { type MonoTypeOperatorFunction, Observable, takeUntil } from 'rxjs';

/**
 * Completes the stream when `signal` aborts, after telling `onStop` the signal's reason. Its place decides what becomes
 * of the work under way: right after `pull` nothing new is let in and what is in flight is drained; behind a stage,
 * that stage is unsubscribed and what is in flight is dropped.
 *
 * @example
 * pull(files, credits).pipe(stopOn(signal), orderedMap(resize, { concurrency: 4 })) // drains
 * pull(files, credits).pipe(orderedMap(resize, { concurrency: 4 }), stopOn(signal)) // drops
 */
export function stopOn<T>(signal: AbortSignal, onStop?: (reason: unknown) => void): MonoTypeOperatorFunction<T> {
  const aborted = new Observable<void>((subscriber) => {
    const stop = () => {
      onStop?.(signal.reason);
      subscriber.next();
    };
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    return () => signal.removeEventListener('abort', stop);
  });
  return takeUntil(aborted);
}
