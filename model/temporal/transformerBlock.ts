import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { FeedForward } from '../layers/feedForward.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import { Attention } from './attention.js';

/** Pre-norm transformer block over frames: attention, then a position-wise branch. Two residual branches. */
export class TransformerBlock {
  readonly #norm: LayerNormParameters;
  readonly #attention: Attention;
  readonly #feedForward: FeedForward;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    channels: number,
    config: Pick<StfConfig, 'num_heads' | 'mlp_ratio'> & Partial<Pick<StfConfig, 'grad_checkpoint'>>,
  ) {
    this.#norm = createLayerNorm(scope.within('norm1'), channels);
    this.#attention = new Attention(scope.within('attn'), channels, config.num_heads);
    this.#feedForward = new FeedForward(scope, channels, config.mlp_ratio);
    this.#segment = Segment.over(scope, config);
  }

  /** @param x `[B,T,C]` */
  forward(x: tf.Tensor3D, masks: [BranchMask, BranchMask]): tf.Tensor3D {
    return this.#segment.run([x], masks, ([x], masks) => {
      const attended = addResidual(x, this.#attention.forward(layerNorm(x, this.#norm)), masks[0]);
      return addResidual(attended, this.#feedForward.forward(attended), masks[1]);
    });
  }
}
