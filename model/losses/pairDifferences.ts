import * as tf from '@tensorflow/tfjs';
import { FAKE, members, REAL } from './classMembers.js';

/**
 * Fake less real of each pair, the i-th real and the i-th fake in batch order. Branch-free on the labels, so a recorded
 * step may replay it.
 *
 * @param values `[B]`
 * @param labels `[B]` int32, 0 real, 1 fake
 * @returns differences by number of the pair, `[B]`, and 1 for the numbers that stand for a pair
 */
export function pairDifferences(
  values: tf.Tensor1D,
  labels: tf.Tensor1D,
): { differences: tf.Tensor1D; isPair: tf.Tensor1D } {
  const [isReal, isFake] = [members(labels, REAL), members(labels, FAKE)];
  const size = values.shape[0];
  const numbers = tf.reshape(tf.range(0, size, 1, 'float32'), [size, 1]);
  /** Row i marks the i-th member of a class. */
  const selection = (mask: tf.Tensor1D) =>
    tf.mul(tf.cast(tf.equal(numbers, tf.cumsum(mask, 0, true)), 'float32'), mask);
  const column = tf.reshape(values, [size, 1]) as tf.Tensor2D;
  const pick = (mask: tf.Tensor1D) => tf.reshape(tf.matMul(selection(mask) as tf.Tensor2D, column), [size]);
  const isPair = tf.less(tf.reshape(numbers, [size]), tf.minimum(tf.sum(isReal), tf.sum(isFake)));
  return {
    differences: tf.sub(pick(isFake), pick(isReal)) as tf.Tensor1D,
    isPair: tf.cast(isPair, 'float32') as tf.Tensor1D,
  };
}
