import * as tf from '@tensorflow/tfjs';
import { uniformBetween } from './initializers.js';
import type { ParameterScope } from './parameterScope.js';

/** Kernel `[width,1,C,1]` and bias `[C]`. */
export type TimeConvolutionParameters = { kernel: tf.Variable; bias: tf.Variable };

/** A depthwise convolution over time, its taps uniform within ±1/√width as in PyTorch, which Mamba builds on. */
export function createTimeConvolution(
  scope: ParameterScope,
  width: number,
  channels: number,
): TimeConvolutionParameters {
  const bound = width ** -0.5;
  return {
    kernel: scope.create('kernel', [width, 1, channels, 1], uniformBetween(-bound, bound)),
    bias: scope.zeros('bias', [channels]),
  };
}

/**
 * Each channel convolved over time for itself, with zeros beyond both ends.
 *
 * @param x `[B,T,C]`
 * @param before how many of the kernel's taps look back: width−1 for a causal, (width−1)/2 for a symmetric kernel
 * @returns `[B,T,C]`
 */
export function convolveTime(
  x: tf.Tensor3D,
  { kernel, bias }: { kernel: tf.Tensor; bias: tf.Tensor },
  before: number,
): tf.Tensor3D {
  const [batch, steps, channels] = x.shape;
  const width = kernel.shape[0];
  const padded = tf.pad(x, [
    [0, 0],
    [before, width - 1 - before],
    [0, 0],
  ]);
  const images = tf.reshape(padded, [batch, steps + width - 1, 1, channels]) as tf.Tensor4D;
  const convolved = tf.depthwiseConv2d(images, kernel as tf.Tensor4D, 1, 'valid');
  return tf.add(tf.reshape(convolved, x.shape), bias);
}
