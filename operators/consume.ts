import { concatMap, defer, from, map, Observable, type ObservableInput, type OperatorFunction, pipe, tap } from 'rxjs';
import type { Credits } from './credits.js';
import { type OrderedMapOptions, orderedMap } from './orderedMap.js';
import type { StageMeter } from './throughputMeter.js';

/**
 * A `Task` that can also look at the item it will be handed next: `waiting` returns it if it has arrived and waits in
 * the queue, and never makes anybody wait for it.
 */
export type Consumer<T, R> = (
  value: T,
  index: number,
  signal: AbortSignal,
  waiting: () => T | undefined,
) => ObservableInput<R>;

export type ConsumeOptions<T> = {
  /** Items handed to the consumer and not yet answered. Two keep an actor busy while an answer travels. Default 1. */
  inFlight?: number;
  /** Credits to give back after each item. */
  credits?: Credits;
  /** How many credits an item holds, e.g. the number of items in a batch. Default 1. */
  cost?: (value: T) => number;
  meter?: StageMeter;
};

/**
 * The last station of a flow: hands items in order to an asynchronous consumer, at most `inFlight` at a time, queues
 * the rest and gives an item's credits back after its result has been emitted. The queue is the prefetch; it is bounded
 * because `pull` lets nothing in without a credit (`flowCredits` says how many to have).
 *
 * @example
 * batches.pipe(consume((batch) => trainer.step(batch), { inFlight: 2, credits, cost: (batch) => batch.length, meter }))
 *
 * @throws RangeError if `inFlight` is not a positive integer.
 */
export function consume<T, R>(
  task: Consumer<T, R>,
  { inFlight = 1, credits, cost = () => 1, meter }: ConsumeOptions<T> = {},
): OperatorFunction<T, R> {
  return pipe(
    handed(task, { concurrency: inFlight, meter }),
    concatMap(
      ({ value, result }) =>
        new Observable<R>((subscriber) => {
          subscriber.next(result);
          credits?.give(cost(value));
          subscriber.complete();
        }),
    ),
  );
}

/** Runs the tasks; each result comes with its item. */
function handed<T, R>(task: Consumer<T, R>, options: OrderedMapOptions): OperatorFunction<T, { value: T; result: R }> {
  return (source) =>
    defer(() => {
      const queue: T[] = [];
      return source.pipe(
        tap((value) => queue.push(value)),
        orderedMap((value: T, index, signal) => {
          queue.shift(); // `value`: tasks are begun in the order of arrival
          return from(task(value, index, signal, () => queue[0])).pipe(map((result) => ({ value, result })));
        }, options),
      );
    });
}
