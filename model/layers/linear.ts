import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';
import type { Initializer } from './initializers.js';
import type { ParameterScope } from './parameterScope.js';
import { asRows, likeShape } from './rows.js';

export type LinearParameters = { kernel: tf.Variable; bias?: tf.Variable };

export type LinearOptions = { bias?: boolean; kernelInit?: Initializer; biasInit?: Initializer };

/** Kernel `[inputs, outputs]` and, unless switched off, bias `[outputs]`. */
export function createLinear(
  scope: ParameterScope,
  inputs: number,
  outputs: number,
  { bias = true, kernelInit, biasInit }: LinearOptions = {},
): LinearParameters {
  const kernel = scope.kernel('kernel', [inputs, outputs], kernelInit);
  return bias ? { kernel, bias: scope.zeros('bias', [outputs], biasInit) } : { kernel };
}

/**
 * `x·W + b` over the last axis. All leading axes are folded into the rows of one matrix product: tfjs has no gradient
 * for a learnable operand that is broadcast over a batch.
 *
 * @param x `[..., inputs]`
 * @returns `[..., outputs]`
 */
export function linear<T extends tf.Tensor>(x: T, { kernel, bias }: { kernel: tf.Tensor; bias?: tf.Tensor }): T {
  return differentiable<T>(
    bias ? [x, kernel, bias] : [x, kernel],
    (save) => {
      save([x, kernel]);
      const product = tf.matMul(asRows(x), kernel as tf.Tensor2D);
      return likeShape((bias ? tf.add(product, bias) : product) as tf.Tensor2D, x);
    },
    (dy, [input, weights]) => {
      const rows = asRows(dy);
      const dx = likeShape(tf.matMul(rows, weights as tf.Tensor2D, false, true), input);
      const dKernel = tf.matMul(asRows(input), rows, true, false);
      return bias ? [dx, dKernel, tf.sum(rows, 0)] : [dx, dKernel];
    },
  );
}
