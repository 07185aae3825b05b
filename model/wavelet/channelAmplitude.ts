import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../layers/differentiable.js';

/** Keeps the derivative of the root finite where a channel is exactly zero. */
const ROOT_EPSILON = 1e-12;

/**
 * Root mean square of each channel over the positions of a group, `√(mean(x²)+1e-12)`.
 *
 * @param x any shape `[..., C]` whose elements lie group by group
 * @returns `[groups, C]`
 */
export function channelAmplitude(x: tf.Tensor, groups: number): tf.Tensor2D {
  const channels = x.shape[x.rank - 1];
  const positions = x.size / groups / channels;
  const grouped = (y: tf.Tensor) => tf.reshape(y, [groups, positions, channels]);
  return differentiable<tf.Tensor2D>(
    [x],
    (save) => {
      const amplitude = tf.sqrt(tf.add(tf.mean(tf.square(grouped(x)), 1), ROOT_EPSILON)) as tf.Tensor2D;
      save([x, amplitude]);
      return amplitude;
    },
    (dy, [input, amplitude]) => {
      const slope = tf.reshape(tf.div(dy, tf.mul(amplitude, positions)), [groups, 1, channels]);
      return [tf.reshape(tf.mul(grouped(input), slope), input.shape)];
    },
  );
}
