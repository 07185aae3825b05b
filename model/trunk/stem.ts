import * as tf from '@tensorflow/tfjs';
import { convolvePatches, createConvolution } from '../layers/convolution.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { LinearParameters } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { asRows } from '../layers/rows.js';

/** Edge of a patch in pixels: the stem's stride. */
export const STEM_PATCH = 4;
const COLOURS = 3;
/** Mean and standard deviation of ImageNet's pixels (Deng et al., 2009) for values in [0,1]. */
const PIXEL_MEAN = [0.485, 0.456, 0.406];
const PIXEL_DEVIATION = [0.229, 0.224, 0.225];
const BYTE_MAX = 255;

/** Non-overlapping 4×4 patches of colour-normalised frames, projected and layer-normalised. */
export class Stem {
  readonly #convolution: Required<LinearParameters>;
  readonly #norm: LayerNormParameters;

  constructor(scope: ParameterScope, channels: number) {
    this.#convolution = createConvolution(scope.within('conv'), STEM_PATCH, COLOURS, channels);
    this.#norm = createLayerNorm(scope.within('norm'), channels);
  }

  /**
   * @param frames `[N,H,W,3]`, 0..255
   * @returns rows `[N·H/4·W/4, channels]`
   */
  forward(frames: tf.Tensor4D): tf.Tensor2D {
    // Colour normalisation is folded into kernel and bias: exact because the convolution has no zero border, and it
    // spares two passes over the largest tensor of a step.
    const { kernel, bias } = this.#convolution;
    const scaled = tf.mul(
      kernel,
      tf.tensor1d(PIXEL_DEVIATION.map((s) => 1 / (BYTE_MAX * s))).reshape([1, 1, COLOURS, 1]),
    );
    const mean = tf.tensor1d(PIXEL_MEAN.map((m) => BYTE_MAX * m)).reshape([1, 1, COLOURS, 1]);
    const shifted = tf.sub(bias, tf.sum(tf.mul(scaled, mean), [0, 1, 2]));
    return layerNorm(asRows(convolvePatches(tf.cast(frames, 'float32'), scaled, shifted)), this.#norm);
  }
}
