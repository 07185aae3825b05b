import { concatMap, from, map, Observable, type OperatorFunction, pipe } from 'rxjs';
import type { Credits } from './credits.js';
import { orderedMap, type Task } from './orderedMap.js';
import type { StageMeter } from './throughputMeter.js';

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
  task: Task<T, R>,
  { inFlight = 1, credits, cost = () => 1, meter }: ConsumeOptions<T> = {},
): OperatorFunction<T, R> {
  return pipe(
    orderedMap(
      (value: T, index, signal) => from(task(value, index, signal)).pipe(map((result) => ({ value, result }))),
      { concurrency: inFlight, meter },
    ),
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
