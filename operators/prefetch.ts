import type { Observable } from 'rxjs';
import type { Credits } from './credits.js';
import type { StageMeter } from './throughputMeter.js';

export type PrefetchOptions<T> = {
  /** Credits to give back after each item. */
  credits?: Credits;
  /** How many credits an item holds. Default 1. */
  cost?: (value: T) => number;
  meter?: StageMeter;
};

/**
 * A queue between a stream and a `for await` loop, for consumers that are loops rather than operators: while the loop
 * works on one item the next ones are made. Like `consume` it is bounded by credits: those of an item are given back
 * when the loop asks for the next. Leaving the loop cancels the stream; an error of the stream is thrown after the
 * items that came before it.
 *
 * @example
 * for await (const batch of prefetch(batches, { credits, cost: (batch) => batch.length })) await step(batch);
 */
export async function* prefetch<T>(
  source: Observable<T>,
  { credits, cost = () => 1, meter }: PrefetchOptions<T> = {},
): AsyncGenerator<T, void, undefined> {
  const queue: T[] = [];
  let wake: () => void = () => {};
  let end: { failure?: { error: unknown } } | undefined;
  const subscription = source.subscribe({
    next: (value) => {
      meter?.arrived();
      queue.push(value);
      wake();
    },
    error: (error) => {
      end = { failure: { error } };
      wake();
    },
    complete: () => {
      end = {};
      wake();
    },
  });
  try {
    while (true) {
      if (queue.length > 0) {
        const value = queue.shift() as T;
        meter?.started();
        yield value;
        meter?.finished();
        credits?.give(cost(value));
      } else if (end?.failure) {
        throw end.failure.error;
      } else if (end) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    subscription.unsubscribe();
  }
}
