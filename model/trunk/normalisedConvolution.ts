import * as tf from '@tensorflow/tfjs';
import { BatchNorm } from '../layers/batchNorm.js';
import { depthwise } from '../layers/depthwise.js';
import { truncatedNormal } from '../layers/initializers.js';
import { linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { shiftedRelu6 } from '../layers/relu6.js';
import { asRows } from '../layers/rows.js';

/** Names of a convolution without bias and of the batch normalisation after it. */
export type LayerNames = { convolution: string; norm: string };

type Kind = 'full' | 'depthwise' | 'pointwise';

/**
 * A convolution without bias and the batch normalisation of its output. By the running statistics both are one
 * convolution, whose kernel and bias are computed anew in each pass and stay differentiable.
 */
export class NormalisedConvolution {
  readonly #kernel: tf.Variable;
  readonly #norm: BatchNorm;

  private constructor(
    scope: ParameterScope,
    names: LayerNames,
    private readonly kind: Kind,
    shape: number[],
    private readonly stride: 1 | 2,
  ) {
    const outputs = kind === 'depthwise' ? shape[2] : shape[shape.length - 1];
    const taps = shape.slice(0, -2).reduce((product, n) => product * n, 1);
    // He initialisation by fan-out, as EfficientNet's (Tan and Le, 2019); a depthwise output has its taps to itself.
    const fanOut = kind === 'depthwise' ? taps : taps * outputs;
    this.#kernel = scope.within(names.convolution).kernel('weight', shape, truncatedNormal(Math.sqrt(2 / fanOut)));
    this.#norm = new BatchNorm(scope.within(names.norm), outputs);
  }

  /** Kernel `[size,size,inputs,outputs]`. */
  static full(scope: ParameterScope, names: LayerNames, size: number, stride: 1 | 2, inputs: number, outputs: number) {
    return new NormalisedConvolution(scope, names, 'full', [size, size, inputs, outputs], stride);
  }

  /** Kernel `[size,size,channels,1]`. */
  static depthwise(scope: ParameterScope, names: LayerNames, size: number, stride: 1 | 2, channels: number) {
    return new NormalisedConvolution(scope, names, 'depthwise', [size, size, channels, 1], stride);
  }

  /** Kernel `[inputs,outputs]`, on every position by itself. */
  static pointwise(scope: ParameterScope, names: LayerNames, inputs: number, outputs: number) {
    return new NormalisedConvolution(scope, names, 'pointwise', [inputs, outputs], 1);
  }

  /**
   * TensorFlow's `same` borders: where a stride leaves an odd number of zeros, the greater half is right and below.
   *
   * @param x `[N,H,W,inputs]`
   * @param overBatch normalise by the statistics of this batch instead of the running ones
   * @returns rows `[N·H/stride·W/stride, outputs]`
   */
  forward(x: tf.Tensor4D, overBatch: boolean): tf.Tensor2D {
    if (overBatch) return this.#overBatch(x, false);
    const { kernel, shift } = this.#asOne();
    if (this.kind === 'pointwise') return linear(asRows(x), { kernel, bias: shift });
    if (this.kind === 'depthwise') return asRows(depthwise(x, kernel as tf.Tensor4D, shift, this.stride));
    return tf.add(this.#convolve(x, kernel), shift);
  }

  /** As `forward`, and ReLU6 of what that gives. */
  forwardClipped(x: tf.Tensor4D, overBatch: boolean): tf.Tensor2D {
    if (overBatch) return this.#overBatch(x, true);
    const { kernel, shift } = this.#asOne();
    if (this.kind === 'depthwise') return asRows(depthwise(x, kernel as tf.Tensor4D, shift, this.stride, 'relu6'));
    return shiftedRelu6(this.#convolve(x, kernel), shift);
  }

  /** Kernel and bias of the one convolution that both are by the running statistics. */
  #asOne(): { kernel: tf.Tensor; shift: tf.Tensor1D } {
    const { factor, shift } = this.#norm.asAffine();
    const kernel = tf.mul(this.#kernel, this.kind === 'depthwise' ? tf.reshape(factor, [-1, 1]) : factor);
    return { kernel, shift };
  }

  #overBatch(x: tf.Tensor4D, clipped: boolean): tf.Tensor2D {
    return this.#norm.overBatch(this.#convolve(x, this.#kernel), clipped);
  }

  #convolve(x: tf.Tensor4D, kernel: tf.Tensor): tf.Tensor2D {
    switch (this.kind) {
      case 'full':
        return asRows(tf.conv2d(x, kernel as tf.Tensor4D, this.stride, 'same'));
      case 'depthwise':
        return asRows(depthwise(x, kernel as tf.Tensor4D, undefined, this.stride));
      case 'pointwise':
        return linear(asRows(x), { kernel });
    }
  }
}
