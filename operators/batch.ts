import { bufferCount, filter, type OperatorFunction, pipe } from 'rxjs';
import { positiveInteger } from './positiveInteger.js';

export type BatchOptions<T> = {
  /** What becomes of a last, incomplete batch when the source completes. Default `emit`. */
  last?: 'emit' | 'drop';
  /** Receives what `last: 'drop'` drops, e.g. to give its credits back. */
  onDrop?: (items: T[]) => void;
};

/**
 * Groups items into arrays of `size`, in order. An error of the source passes at once; the incomplete batch is lost.
 *
 * @example
 * clips.pipe(batch(8, { last: 'drop' }))
 *
 * @throws RangeError if `size` is not a positive integer.
 */
export function batch<T>(size: number, { last = 'emit', onDrop }: BatchOptions<T> = {}): OperatorFunction<T, T[]> {
  const groups = bufferCount<T>(positiveInteger('size', size));
  if (last === 'emit') return groups;
  return pipe(
    groups,
    filter((items) => {
      if (items.length === size) return true;
      onDrop?.(items);
      return false;
    }),
  );
}
