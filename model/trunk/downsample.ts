import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import { convolvePatches, createConvolution } from '../layers/convolution.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { LinearParameters } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { asRows } from '../layers/rows.js';
import { Segment } from '../layers/segment.js';

/** Spatial reduction between stages. */
export const DOWNSAMPLE_FACTOR = 2;

/** Layer normalisation, then a 2×2 convolution with stride 2, as in ConvNeXt (Liu et al., 2022). */
export class Downsample {
  readonly #norm: LayerNormParameters;
  readonly #convolution: Required<LinearParameters>;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    inputs: number,
    outputs: number,
    config: Partial<Pick<StfConfig, 'grad_checkpoint'>> = {},
  ) {
    this.#norm = createLayerNorm(scope.within('norm'), inputs);
    this.#convolution = createConvolution(scope.within('conv'), DOWNSAMPLE_FACTOR, inputs, outputs);
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param x rows `[B·T·H·W, inputs]` of `grid`
   * @returns rows `[B·T·H/2·W/2, outputs]`
   */
  forward(x: tf.Tensor2D, { batch, frames, height, width }: ClipGrid): tf.Tensor2D {
    return this.#segment.run([x], [], ([x]) => {
      const images = tf.reshape(layerNorm(x, this.#norm), [batch * frames, height, width, x.shape[1]]) as tf.Tensor4D;
      return asRows(convolvePatches(images, this.#convolution.kernel, this.#convolution.bias));
    });
  }
}
