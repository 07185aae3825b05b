import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import { differentiable } from '../layers/differentiable.js';
import { linearScan } from './linearScan.js';

/** Operands of `directions` independent scans; `rows` counts samples × steps, time running fastest. */
export type SelectiveScanOperands = {
  /** Input `[directions, rows, d_i]`. */
  u: tf.Tensor3D;
  /** Step sizes > 0, `[directions, rows, d_i]`. */
  delta: tf.Tensor3D;
  /** A < 0, `[directions, d_i, N]`. */
  decay: tf.Tensor3D;
  /** B and C, `[directions, rows, N]`. */
  input: tf.Tensor3D;
  output: tf.Tensor3D;
  /** D, `[directions, 1, d_i]`. */
  skip: tf.Tensor3D;
  /** T, steps of a sample. */
  steps: number;
};

/**
 * The selective state-space recurrence of Mamba (Gu and Dao, 2023):
 * `h_t = exp(Δ_t⊗A)⊙h_{t−1} + (Δ_t u_t)⊗B_t`, `y_t = h_t·C_t + D⊙u_t`, each sample starting from h = 0.
 *
 * @returns `[directions, rows, d_i]`
 */
export function selectiveScan(operands: SelectiveScanOperands): tf.Tensor3D {
  return ownOperationsInUse() ? fusedSelectiveScan(operands) : composedSelectiveScan(operands);
}

/** The states of a few channels at a time run through all steps; the gradient computes them once more. */
function fusedSelectiveScan({ u, delta, decay, input, output, skip, steps }: SelectiveScanOperands): tf.Tensor3D {
  const operands = [u, delta, decay, input, output, skip];
  const attributes = { steps: { kind: 'int', value: steps } } as const;
  return differentiable<tf.Tensor3D>(
    operands,
    (save) => {
      save(operands);
      return ownOperation('StfSelectiveScan', attributes, operands, 1)[0] as tf.Tensor3D;
    },
    (dy, saved) => ownOperation('StfSelectiveScanGradient', attributes, [dy, ...saved], saved.length),
  );
}

function composedSelectiveScan({ u, delta, decay, input, output, skip, steps }: SelectiveScanOperands): tf.Tensor3D {
  const [directions, rows, inner] = u.shape;
  const states = decay.shape[2];
  const samples = (directions * rows) / steps;
  const perChannel = (x: tf.Tensor) => tf.reshape(x, [directions, rows, inner, 1]);
  const factor = tf.exp(tf.mul(perChannel(delta), tf.reshape(decay, [directions, 1, inner, states])));
  const drive = tf.mul(perChannel(tf.mul(delta, u)), tf.reshape(input, [directions, rows, 1, states]));
  const series = (x: tf.Tensor) => tf.reshape(x, [samples, steps, inner * states]) as tf.Tensor3D;
  const state = tf.reshape(linearScan(series(factor), series(drive)), [directions * rows, inner, states]);
  const read = inFloat32(() => tf.matMul(state, tf.reshape(output, [directions * rows, states, 1])));
  return tf.add(tf.reshape(read, u.shape), tf.mul(u, skip));
}
