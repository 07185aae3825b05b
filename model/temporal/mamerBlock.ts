import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import { Attention } from './attention.js';
import { Hydra, type HydraConfig } from './hydra.js';

/**
 * Mamba and transformer in one block: `h = x + Hydra(LN x)`, `out = h + attention(LN h)`, without a position-wise
 * branch. Hydra is of Hwang et al. (2024), attention of Vaswani et al. (2017). Two residual branches.
 */
export class MamerBlock {
  readonly #normHydra: LayerNormParameters;
  readonly #hydra: Hydra;
  readonly #normAttention: LayerNormParameters;
  readonly #attention: Attention;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    channels: number,
    states: number,
    config: HydraConfig & Pick<StfConfig, 'num_heads'> & Partial<Pick<StfConfig, 'grad_checkpoint'>>,
    constants: ConstantCache,
  ) {
    this.#normHydra = createLayerNorm(scope.within('norm1'), channels);
    this.#hydra = new Hydra(scope.within('hydra'), channels, states, config, constants);
    this.#normAttention = createLayerNorm(scope.within('norm2'), channels);
    this.#attention = new Attention(scope.within('attn'), channels, config.num_heads);
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param x `[B,T,C]`
   * @param allowance factors of the states, `[B,N]`
   */
  forward(x: tf.Tensor3D, masks: [BranchMask, BranchMask], allowance?: tf.Tensor2D): tf.Tensor3D {
    const inputs: tf.Tensor[] = allowance ? [x, allowance] : [x];
    return this.#segment.run(inputs, masks, ([tokens, allowed], masks) => {
      const normalised = layerNorm(tokens as tf.Tensor3D, this.#normHydra);
      const scanned = this.#hydra.forward(normalised, allowed as tf.Tensor2D | undefined);
      const mixed = addResidual(tokens as tf.Tensor3D, scanned, masks[0]);
      return addResidual(mixed, this.#attention.forward(layerNorm(mixed, this.#normAttention)), masks[1]);
    });
  }
}
