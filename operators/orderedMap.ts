import {
  first,
  from,
  Observable,
  type ObservableInput,
  type OperatorFunction,
  Subject,
  Subscription,
  takeUntil,
} from 'rxjs';
import { positiveInteger } from './positiveInteger.js';
import type { StageMeter } from './throughputMeter.js';

/** One asynchronous task: a promise, or anything else RxJS can subscribe to; its first value is the result. */
export type Task<T, R> = (value: T, index: number, signal: AbortSignal) => ObservableInput<R>;

export type OrderedMapOptions = {
  /** How many tasks run at once. */
  concurrency: number;
  /** Told when an item arrives and when its task starts and finishes. */
  meter?: StageMeter;
};

/**
 * Runs up to `concurrency` tasks at once and emits their results in input order: a slow task delays, never reorders.
 *
 * Items that arrive while all slots are taken, and results that wait for an earlier one, are held here; `pull` bounds
 * their number. A failure keeps its place too: all earlier results are emitted first, while later tasks are aborted at
 * once. Unsubscribing aborts the signal of every running task.
 *
 * @example
 * files.pipe(orderedMap((file, index, signal) => pool.run(file, { signal }), { concurrency: 4 }))
 *
 * @throws RangeError if `concurrency` is not a positive integer. A task that ends without a value fails with EmptyError.
 */
export function orderedMap<T, R>(task: Task<T, R>, { concurrency, meter }: OrderedMapOptions): OperatorFunction<T, R> {
  positiveInteger('concurrency', concurrency);
  return (source) =>
    new Observable<R>((subscriber) => {
      const waiting: T[] = [];
      const running = new Map<number, Subscription>();
      const results = new Map<number, R>();
      const cut = new Subject<void>();
      let arrived = 0;
      let started = 0;
      let emitted = 0;
      let draining = false;
      /** Position at which the stream ends: completion, or the earliest failure known so far. */
      let end: { at: number; failure?: { error: unknown } } | undefined;

      const endAt = (at: number, failure?: { error: unknown }) => {
        if (end && end.at <= at) return;
        end = { at, failure };
        if (!failure) return;
        for (const [index, subscription] of running) {
          if (index > at) {
            running.delete(index);
            subscription.unsubscribe();
          }
        }
        for (const index of results.keys()) if (index > at) results.delete(index);
        if (at < started) waiting.length = 0;
        cut.next();
      };

      const drain = () => {
        if (draining) return; // a result arrived while an earlier one was being emitted: the outer loop will see it
        draining = true;
        while (!subscriber.closed && results.has(emitted)) {
          const result = results.get(emitted) as R;
          results.delete(emitted);
          emitted += 1;
          subscriber.next(result);
        }
        draining = false;
        if (end?.at !== emitted) return;
        if (end.failure) subscriber.error(end.failure.error);
        else subscriber.complete();
      };

      const run = (value: T, index: number) => {
        const controller = new AbortController();
        const subscription = new Subscription(() => controller.abort());
        running.set(index, subscription);
        meter?.started();
        const settle = (record: () => void) => {
          running.delete(index);
          meter?.finished();
          record();
          start();
          drain();
        };
        const fail = (error: unknown) => settle(() => endAt(index, { error }));
        let output: Observable<R>;
        try {
          output = from(task(value, index, controller.signal));
        } catch (error) {
          fail(error);
          return;
        }
        subscription.add(
          output.pipe(first()).subscribe({ next: (result) => settle(() => results.set(index, result)), error: fail }),
        );
      };

      const start = () => {
        while (!subscriber.closed && waiting.length > 0 && running.size < concurrency) {
          run(waiting.shift() as T, started++);
        }
      };

      subscriber.add(() => {
        waiting.length = 0;
        results.clear();
        for (const subscription of running.values()) subscription.unsubscribe();
        running.clear();
        cut.next();
      });
      source.pipe(takeUntil(cut)).subscribe({
        next: (value) => {
          arrived += 1;
          meter?.arrived();
          waiting.push(value);
          start();
        },
        error: (error) => {
          endAt(arrived, { error });
          drain();
        },
        complete: () => {
          endAt(arrived);
          drain();
        },
      });
    });
}
