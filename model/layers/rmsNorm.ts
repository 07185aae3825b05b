import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';
import { asRows, likeShape } from './rows.js';

/** Added to the mean square, as in Mamba-2 (Dao and Gu, 2024). */
const EPSILON = 1e-5;

/**
 * Root mean square normalisation (Zhang and Sennrich, 2019) over the last axis: `x/√(mean(x²)+1e-5)·γ`.
 *
 * @param x `[..., C]`
 * @param gamma `[C]`
 */
export function rmsNorm<T extends tf.Tensor>(x: T, gamma: tf.Tensor): T {
  return ownOperationsInUse() ? fusedRmsNorm(x, gamma) : composedRmsNorm(x, gamma);
}

function fusedRmsNorm<T extends tf.Tensor>(x: T, gamma: tf.Tensor): T {
  return differentiable<T>(
    [x, gamma],
    (save) => {
      const attributes = { epsilon: { kind: 'float', value: EPSILON } } as const;
      const [y, inverse] = ownOperation('StfRmsNorm', attributes, [x, gamma], 2);
      save([x, gamma, inverse]);
      return y as T;
    },
    (dy, saved) => ownOperation('StfRmsNormGradient', {}, [dy, ...saved], 2),
  );
}

function composedRmsNorm<T extends tf.Tensor>(x: T, gamma: tf.Tensor): T {
  return differentiable<T>(
    [x, gamma],
    (save) => {
      const rows = asRows(x);
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(rows), 1, true), EPSILON));
      const normalised = tf.mul(rows, inverse) as tf.Tensor2D;
      save([normalised, inverse, gamma]);
      return likeShape(tf.mul(normalised, gamma) as tf.Tensor2D, x);
    },
    (dy, [normalised, inverse, scale]) => {
      const rows = asRows(dy);
      const gradient = tf.mul(rows, scale);
      // The part along x̂ is what the norm takes out: dx = (g − x̂·mean(g⊙x̂))/rms.
      const along = tf.mean(tf.mul(gradient, normalised), 1, true);
      const dx = tf.mul(tf.sub(gradient, tf.mul(normalised, along)), inverse) as tf.Tensor2D;
      return [likeShape(dx, dy), tf.sum(tf.mul(rows, normalised), 0)];
    },
  );
}
