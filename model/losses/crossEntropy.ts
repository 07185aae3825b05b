import * as tf from '@tensorflow/tfjs';

/**
 * Mean cross-entropy with label smoothing (Szegedy et al., 2016): targets are `(1−ε)·onehot + ε/K`.
 *
 * @param logits `[B,K]`
 * @param labels `[B]` int32
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  return againstLabels(tf.logSoftmax(logits), labels, smoothing);
}

/**
 * The same of every frame by itself, mean over the frames.
 *
 * @param logits `[B,T,K]`
 * @param labels `[B]` int32
 */
export function frameCrossEntropy(logits: tf.Tensor3D, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  const [batch, frames, classes] = logits.shape;
  const byFrame = tf.logSoftmax(tf.reshape(logits, [batch * frames, classes]) as tf.Tensor2D);
  return againstLabels(tf.mean(tf.reshape(byFrame, [batch, frames, classes]), 1) as tf.Tensor2D, labels, smoothing);
}

/** @param logProbabilities `[B,K]` */
function againstLabels(logProbabilities: tf.Tensor2D, labels: tf.Tensor1D, smoothing: number): tf.Scalar {
  const classes = logProbabilities.shape[1];
  const hard = tf.cast(tf.oneHot(labels, classes), 'float32');
  const target = tf.add(tf.mul(hard, 1 - smoothing), smoothing / classes);
  return tf.neg(tf.mean(tf.sum(tf.mul(logProbabilities, target), 1)));
}
