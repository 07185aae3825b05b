import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../layers/differentiable.js';

/** Keeps the derivative of the root finite where a band is exactly zero. */
const ROOT_EPSILON = 1e-12;
/** Keeps the ratio finite for a clip without any energy. */
const RATIO_EPSILON = 1e-8;

/**
 * Sum of squares of each sample, divided by `divisor`.
 *
 * @param x any shape whose elements lie sample by sample
 * @returns `[samples]`
 */
export function energyPerSample(x: tf.Tensor, samples: number, divisor: number): tf.Tensor1D {
  return differentiable<tf.Tensor>(
    [x],
    (save) => {
      save([x]);
      return tf.div(tf.sum(tf.square(tf.reshape(x, [samples, -1])), 1), divisor);
    },
    (dy, [input]) => {
      const slope = tf.reshape(tf.mul(dy, 2 / divisor), [samples, 1]);
      return [tf.reshape(tf.mul(tf.reshape(input, [samples, -1]), slope), input.shape)];
    },
  ) as tf.Tensor1D;
}

/** Root mean square of one band per sample, `[samples]`. */
export function bandAmplitude(band: tf.Tensor, samples: number): tf.Tensor1D {
  return tf.sqrt(tf.add(energyPerSample(band, samples, band.size / samples), ROOT_EPSILON));
}

/**
 * The HLL band's share of a clip's amplitude, `hll / (√all + 1e-8)` in [0,1]. White noise gives 1/√8. Free of the
 * features' scale, which an un-normalised energy is not.
 */
export function flickerRatio(hllEnergy: tf.Tensor1D, allBandEnergy: tf.Tensor1D): tf.Tensor1D {
  return tf.div(hllEnergy, tf.add(tf.sqrt(allBandEnergy), RATIO_EPSILON));
}
