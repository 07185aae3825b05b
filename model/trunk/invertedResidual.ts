import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { type ClipGrid, shrink } from '../layers/clipGrid.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import type { BlockGroup } from './efficientNetLayout.js';
import { NormalisedConvolution } from './normalisedConvolution.js';
import type { FeatureMap, StepMode } from './spatialBackbone.js';

/**
 * Inverted residual block (Sandler et al., MobileNetV2, 2018): widen, filter each channel, narrow; ReLU6 after the
 * first two. Where input and output are alike they are added: one residual branch. Names are timm's.
 */
export class InvertedResidual {
  readonly #widen: NormalisedConvolution | undefined;
  readonly #filter: NormalisedConvolution;
  readonly #narrow: NormalisedConvolution;
  readonly #stride: number;
  readonly #residual: boolean;
  readonly #overBatch: boolean;
  readonly #segment: Segment;

  /** @param overBatch normalise by the batch's own statistics while training */
  constructor(
    scope: ParameterScope,
    inputs: number,
    { kernel, stride, expansion, outputs }: Omit<BlockGroup, 'repeats'>,
    overBatch: boolean,
    config: Partial<Pick<StfConfig, 'grad_checkpoint'>> = {},
  ) {
    const width = expansion * inputs;
    this.#stride = stride;
    this.#residual = stride === 1 && inputs === outputs;
    this.#overBatch = overBatch;
    if (expansion > 1) {
      this.#widen = NormalisedConvolution.pointwise(scope, { convolution: 'conv_pw', norm: 'bn1' }, inputs, width);
    }
    const [filter, narrow] =
      expansion > 1
        ? [
            { convolution: 'conv_dw', norm: 'bn2' },
            { convolution: 'conv_pwl', norm: 'bn3' },
          ]
        : [
            { convolution: 'conv_dw', norm: 'bn1' },
            { convolution: 'conv_pw', norm: 'bn2' },
          ];
    this.#filter = NormalisedConvolution.depthwise(scope, filter, kernel, stride, width);
    this.#narrow = NormalisedConvolution.pointwise(scope, narrow, width, outputs);
    // Running statistics must move once a step, so a block that moves them is not computed a second time.
    this.#segment = Segment.over(scope, overBatch ? {} : config);
  }

  forward({ features, grid }: FeatureMap, mode: StepMode): FeatureMap {
    const mask = this.#residual ? mode.nextMask() : undefined;
    const overBatch = this.#overBatch && mode.training;
    const rows = this.#segment.run([features], [mask], ([x], [mask]) => {
      const branch = this.#branch(x, grid, overBatch);
      return this.#residual ? addResidual(x, branch, mask as typeof mask & tf.Tensor1D) : branch;
    });
    return { features: rows, grid: shrink(grid, this.#stride) };
  }

  #branch(x: tf.Tensor2D, grid: ClipGrid, overBatch: boolean): tf.Tensor2D {
    const maps = (rows: tf.Tensor2D, { batch, frames, height, width }: ClipGrid) =>
      tf.reshape(rows, [batch * frames, height, width, rows.shape[1]]) as tf.Tensor4D;
    const wide = this.#widen ? this.#widen.forwardClipped(maps(x, grid), overBatch) : x;
    const filtered = this.#filter.forwardClipped(maps(wide, grid), overBatch);
    return this.#narrow.forward(maps(filtered, shrink(grid, this.#stride)), overBatch);
  }
}
