import * as tf from '@tensorflow/tfjs';

/**
 * Mean cross-entropy with label smoothing (Szegedy et al., 2016): targets are `(1−ε)·onehot + ε/K`.
 *
 * @param logits `[B,K]`
 * @param labels `[B]` int32
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  const classes = logits.shape[1];
  const hard = tf.cast(tf.oneHot(labels, classes), 'float32');
  const target = tf.add(tf.mul(hard, 1 - smoothing), smoothing / classes);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), 1)));
}
