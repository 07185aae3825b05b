import { Credits } from './credits.js';
import { positiveInteger } from './positiveInteger.js';

export type FlowCreditsOptions = {
  /** Tasks that run at once in the parallel stage. */
  concurrency: number;
  /** Items in a batch. Default 1. */
  batchSize?: number;
  /** Batches the consumer holds at once. Default 1. */
  inFlight?: number;
  /** Whole batches ready and waiting for the consumer. Default 2. */
  queued?: number;
};

/**
 * The credits of a flow `pull → orderedMap → batch → consume`: enough that the parallel stage has work for all its
 * slots while `queued` batches wait and `inFlight` are being consumed, and no more.
 *
 * @example
 * const credits = flowCredits({ concurrency: 4, batchSize: 8, inFlight: 2, queued: 2 }); // 36 items at most
 */
export function flowCredits({ concurrency, batchSize = 1, inFlight = 1, queued = 2 }: FlowCreditsOptions): Credits {
  positiveInteger('concurrency', concurrency);
  positiveInteger('batchSize', batchSize);
  positiveInteger('inFlight', inFlight);
  if (!Number.isSafeInteger(queued) || queued < 0) {
    throw new RangeError(`Expected a whole number of at least 0 for queued but received ${String(queued)}`);
  }
  return new Credits(concurrency + batchSize * (inFlight + queued));
}
