import * as tf from '@tensorflow/tfjs';
import type { ConstantCache } from '../layers/constantCache.js';
import { shiftEarlier, shiftLater } from './shiftTime.js';

/** Operands of the mixer that runs with time (`forward`) and against it (`backward`), all in order of time. */
export type MixerOperands = {
  /** Step sizes > 0 of each head, forward and backward, `[B,heads,2,T]`. */
  delta: tf.Tensor4D;
  /** A < 0 of each head, `[heads]`. */
  decay: tf.Tensor1D;
  /** B and C, shared by the heads, `[B,T,N]`. */
  forward: { input: tf.Tensor3D; output: tf.Tensor3D };
  backward: { input: tf.Tensor3D; output: tf.Tensor3D };
};

/**
 * The matrix of Hydra's mixer without its diagonal (Hwang et al., 2024), quasiseparable: what lies below the diagonal
 * and what lies above have rank at most N in every block. Written out, with both directions shifted by one step,
 *
 *     M[t,s] = C_f[t−1]·B_f[s] · exp(Σ_{r=s+1..t−1} Δ_f[r]·A) · Δ_f[s]   for s < t,
 *     M[t,s] = C_b[t+1]·B_b[s] · exp(Σ_{r=t+1..s−1} Δ_b[r]·A) · Δ_b[s]   for s > t.
 *
 * The sums of the exponents are one product with a constant 0/1 matrix: exact, where differences of running sums
 * cancel, and free of cumsum, whose gradient tfjs gets wrong. At clip lengths (T ≤ 64) T×T numbers are cheap.
 *
 * @returns `[B,heads,T,T]`, zeros on the diagonal
 */
export function quasiseparableMatrix(operands: MixerOperands, constants: ConstantCache): tf.Tensor4D {
  const { delta, decay, forward, backward } = operands;
  const [batch, heads, , steps] = delta.shape;
  const between = constants.get(`steps between ${steps}`, () =>
    tf.tensor2d(stepsBetween(steps), [2 * steps, steps * steps]),
  );
  const rates = tf.reshape(tf.mul(delta, tf.reshape(decay, [1, heads, 1, 1])), [batch * heads, 2 * steps]);
  const exponents = tf.reshape(tf.matMul(rates as tf.Tensor2D, between), [batch, heads, steps, steps]);
  const side = (name: 'below' | 'above', output: tf.Tensor, input: tf.Tensor, direction: 0 | 1) => {
    const mask = constants.get(`${name} the diagonal ${steps}`, () =>
      tf.tensor3d(triangle(steps, name), [1, steps, steps]),
    );
    const scores = tf.mul(tf.matMul(output, input, false, true), mask);
    const size = tf.slice(delta, [0, 0, direction, 0], [-1, -1, 1, -1]);
    return tf.mul(tf.reshape(scores, [batch, 1, steps, steps]), size);
  };
  const below = side('below', shiftLater(forward.output, 1, 0), forward.input, 0);
  const above = side('above', shiftEarlier(backward.output, 1, 0), backward.input, 1);
  return tf.mul(tf.exp(exponents), tf.add(below, above));
}

/**
 * `[2T, T·T]`: entry (r, (t,s)) is 1 where step r lies strictly between t and s, in the first T rows for s < t
 * (forward step sizes), in the others for s > t.
 */
function stepsBetween(steps: number): Float32Array {
  const matrix = new Float32Array(2 * steps * steps * steps);
  for (let t = 0; t < steps; t++)
    for (let s = 0; s < steps; s++)
      for (let r = Math.min(t, s) + 1; r < Math.max(t, s); r++)
        matrix[((s < t ? r : steps + r) * steps + t) * steps + s] = 1;
  return matrix;
}

function triangle(steps: number, side: 'below' | 'above'): Float32Array {
  return Float32Array.from({ length: steps * steps }, (_, i) => {
    const [t, s] = [Math.floor(i / steps), i % steps];
    return (side === 'below' ? s < t : s > t) ? 1 : 0;
  });
}
