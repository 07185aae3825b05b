import * as tf from '@tensorflow/tfjs';

export const REAL = 0;
export const FAKE = 1;

/** `[B]`, 1 where the label is of this class. */
export function members(labels: tf.Tensor1D, label: typeof REAL | typeof FAKE): tf.Tensor1D {
  return tf.cast(tf.equal(labels, tf.scalar(label, 'int32')), 'float32');
}

/** Mean over the marked samples; 0 where there are none. */
export function meanOver(values: tf.Tensor1D, mask: tf.Tensor1D): tf.Scalar {
  return tf.div(tf.sum(tf.mul(values, mask)), tf.maximum(tf.sum(mask), 1));
}
