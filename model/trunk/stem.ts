import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { convolvePatches, createConvolution } from '../layers/convolution.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { LinearParameters } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { asRows } from '../layers/rows.js';
import { Segment } from '../layers/segment.js';
import { foldColourNormalisation } from './colourNormalisation.js';

/** Edge of a patch in pixels: the stem's stride. */
export const STEM_PATCH = 4;
const COLOURS = 3;

/** Non-overlapping 4×4 patches of colour-normalised frames, projected and layer-normalised. */
export class Stem {
  readonly #convolution: Required<LinearParameters>;
  readonly #norm: LayerNormParameters;
  readonly #segment: Segment;

  constructor(scope: ParameterScope, channels: number, config: Partial<Pick<StfConfig, 'grad_checkpoint'>> = {}) {
    this.#convolution = createConvolution(scope.within('conv'), STEM_PATCH, COLOURS, channels);
    this.#norm = createLayerNorm(scope.within('norm'), channels);
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param frames `[N,H,W,3]`, 0..255
   * @returns rows `[N·H/4·W/4, channels]`
   */
  forward(frames: tf.Tensor4D): tf.Tensor2D {
    return this.#segment.run([], [frames], (_, [frames]) => this.#embed(frames));
  }

  #embed(frames: tf.Tensor4D): tf.Tensor2D {
    const { kernel, bias } = foldColourNormalisation(this.#convolution);
    return layerNorm(asRows(convolvePatches(tf.cast(frames, 'float32'), kernel, bias)), this.#norm);
  }
}
