import * as tf from '@tensorflow/tfjs';
import type { Initializer } from './initializers.js';
import type { LinearParameters } from './linear.js';
import type { ParameterScope } from './parameterScope.js';

/** Square kernel `[size, size, inputs, outputs]` and bias. */
export function createConvolution(
  scope: ParameterScope,
  size: number,
  inputs: number,
  outputs: number,
  kernelInit?: Initializer,
): Required<LinearParameters> {
  return {
    kernel: scope.kernel('kernel', [size, size, inputs, outputs], kernelInit),
    bias: scope.zeros('bias', [outputs]),
  };
}

/** Convolution over images `[N,H,W,C]` with stride 1 and zero borders, output of the same size. */
export function convolveSame(x: tf.Tensor4D, { kernel, bias }: Required<LinearParameters>): tf.Tensor4D {
  return tf.add(tf.conv2d(x, kernel as unknown as tf.Tensor4D, 1, 'same'), bias);
}

/** Convolution of non-overlapping patches: the stride equals the kernel's size. */
export function convolvePatches(x: tf.Tensor4D, kernel: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  return tf.add(tf.conv2d(x, kernel as tf.Tensor4D, kernel.shape[0], 'valid'), bias);
}
