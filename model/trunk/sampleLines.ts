import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../layers/differentiable.js';

/**
 * Where a warp reads: line by line in a table of feature rows. Shapes broadcast against the offsets.
 */
export type SamplingLines = {
  /** Position on its line before the offset, float. */
  origin: tf.Tensor;
  /** Table row of the line's first element, int32. */
  start: tf.Tensor;
  /** Table rows between neighbours on a line. */
  stride: number;
  /** Elements of a line, at least 2. */
  length: number;
};

/**
 * Reads a table between its rows: linear interpolation along lines at `clip(origin + offset, 0, length−1)`, two taps.
 *
 * The derivative by position is the difference of the two neighbours `f = clip(⌊pos⌋, 0, length−2)` and `f+1`. That
 * matters at whole positions, where the interpolation has a kink and automatic differentiation of a hat function gives
 * 0 or half of one side: deformable kernels start there, with zero offsets, and would never learn to move.
 *
 * @param table `[rows, C]`
 * @param offset `[…]`, in elements of a line
 * @returns `[offset.size, C]`
 */
export function sampleLines(table: tf.Tensor2D, offset: tf.Tensor, lines: SamplingLines): tf.Tensor2D {
  if (lines.length < 2) {
    throw new RangeError(`Expected lines of at least 2 elements to interpolate on but received ${lines.length}`);
  }
  const [rows, channels] = table.shape;
  const samples = offset.size;
  return differentiable<tf.Tensor>(
    [table, offset],
    (save) => {
      const wanted = tf.add(offset, lines.origin);
      const position = tf.clipByValue(wanted, 0, lines.length - 1);
      const lower = tf.minimum(tf.floor(position), lines.length - 2);
      const fraction = tf.reshape(tf.sub(position, lower), [samples, 1]);
      const steps =
        lines.stride === 1
          ? tf.cast(lower, 'int32')
          : tf.mul(tf.cast(lower, 'int32'), tf.scalar(lines.stride, 'int32'));
      const index = tf.reshape(tf.add(steps, lines.start), [samples, 1]) as tf.Tensor2D;
      const next = tf.add(index, tf.scalar(lines.stride, 'int32')) as tf.Tensor2D;
      // gatherND rather than gather: tfjs' native gather reads every index back to JavaScript to check it.
      const below = tf.gatherND(table, index);
      const difference = tf.sub(tf.gatherND(table, next), below);
      const inside = tf.cast(tf.equal(wanted, position), 'float32');
      save([index, next, fraction, difference, inside]);
      return tf.add(below, tf.mul(difference, fraction));
    },
    (dy, [index, next, fraction, difference, inside]) => {
      const slope = tf.reshape(tf.sum(tf.mul(dy, difference), 1), inside.shape);
      const above = tf.mul(dy, fraction);
      const sumInto = (updates: tf.Tensor, at: tf.Tensor) =>
        tf.unsortedSegmentSum(updates, tf.reshape(at, [samples]) as tf.Tensor1D, rows);
      const dTable = tf.add(sumInto(tf.sub(dy, above), index), sumInto(above, next));
      return [tf.reshape(dTable, [rows, channels]), tf.mul(slope, inside)];
    },
  ) as tf.Tensor2D;
}
