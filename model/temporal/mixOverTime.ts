import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { differentiable } from '../layers/differentiable.js';
import { type MixerOperands, quasiseparableMatrix } from './quasiseparableMatrix.js';

/**
 * Hydra's mixer over time: `M·u + diagonal⊙u` head by head, M from `quasiseparableMatrix`.
 *
 * @param u `[B,T,d_i]`, the channels of a head side by side
 * @param diagonal `[B,T,heads]`
 * @returns `[B,T,d_i]`
 */
export function mixOverTime(
  u: tf.Tensor3D,
  diagonal: tf.Tensor3D,
  operands: MixerOperands,
  constants: ConstantCache,
): tf.Tensor3D {
  return ownOperationsInUse()
    ? fusedMixOverTime(u, diagonal, operands)
    : inFloat32(() => composedMixOverTime(u, diagonal, operands, constants));
}

/** The matrix of one head at a time lies in the processor's cache; the gradient computes it once more. */
function fusedMixOverTime(u: tf.Tensor3D, diagonal: tf.Tensor3D, operands: MixerOperands): tf.Tensor3D {
  const { delta, decay, forward, backward } = operands;
  const inputs = [u, delta, decay, diagonal, forward.input, forward.output, backward.input, backward.output];
  return differentiable<tf.Tensor3D>(
    inputs,
    (save) => {
      save(inputs);
      return ownOperation('StfMixOverTime', {}, inputs, 1)[0] as tf.Tensor3D;
    },
    (dy, saved) => ownOperation('StfMixOverTimeGradient', {}, [dy, ...saved], saved.length),
  );
}

function composedMixOverTime(
  u: tf.Tensor3D,
  diagonal: tf.Tensor3D,
  operands: MixerOperands,
  constants: ConstantCache,
): tf.Tensor3D {
  const [batch, steps, channels] = u.shape;
  const heads = operands.decay.shape[0];
  const byHead = tf.reshape(u, [batch, steps, heads, channels / heads]);
  const matrix = quasiseparableMatrix(operands, constants);
  const across = tf.transpose(tf.matMul(matrix, tf.transpose(byHead, [0, 2, 1, 3])), [0, 2, 1, 3]);
  return tf.reshape(tf.add(across, tf.mul(byHead, tf.reshape(diagonal, [batch, steps, heads, 1]))), u.shape);
}
