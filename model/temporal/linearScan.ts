import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../layers/differentiable.js';
import { shiftEarlier, shiftLater } from './shiftTime.js';

/**
 * `h_t = a_t·h_{t−1} + b_t` with `h_{−1} = 0` along axis 1, by doubling in ⌈log₂T⌉ rounds (Hillis and Steele, 1986).
 * All factors are products of the given ones: with `a` in (0,1] nothing overflows and underflow is harmless, unlike
 * the quotient of cumulative products.
 *
 * @param a `[G,T,K]`
 * @param b `[G,T,K]`
 * @returns h, `[G,T,K]`
 */
export function linearScan(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  return differentiable<tf.Tensor3D>(
    [a, b],
    (save) => {
      const h = scanForward(a, b);
      save([a, h]);
      return h;
    },
    (dh, [factors, h]) => {
      // The adjoint runs the same recurrence against time, with the factors of the following step.
      const following = shiftEarlier(factors, 1, 0);
      const g = scanBackward(following, dh);
      return [tf.mul(g, shiftLater(h, 1, 0)), g];
    },
  );
}

const scanForward = (a: tf.Tensor, b: tf.Tensor) => scan(a, b, shiftLater);
const scanBackward = (a: tf.Tensor, b: tf.Tensor) => scan(a, b, shiftEarlier);

function scan(a: tf.Tensor, b: tf.Tensor, shift: typeof shiftLater): tf.Tensor3D {
  const steps = a.shape[1] as number;
  let factor = a;
  let value = b;
  for (let k = 1; k < steps; k *= 2) {
    value = tf.add(tf.mul(factor, shift(value, k, 0)), value);
    if (2 * k < steps) factor = tf.mul(factor, shift(factor, k, 1));
  }
  // A scan over one step is its input; the tape needs a tensor of its own.
  return (value === b ? tf.add(b, 0) : value) as tf.Tensor3D;
}
