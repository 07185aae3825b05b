import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import { ChannelMixer } from './channelMixer.js';
import { Hydra, type HydraConfig } from './hydra.js';

/**
 * A pre-norm block of two parallel paths, over time (Hydra) and over channels, weighed channel by channel by a learned
 * gate: `x + g⊙Hydra(n) + (1−g)⊙mix(n)`, `n = LN(x)`, `g = σ(γ)`. The name is that of Fake-Mamba's pre-norm encoder
 * (Xuan et al., 2025), Hydra that of Hwang et al. (2024). One residual branch.
 */
export class PnBlock {
  readonly #norm: LayerNormParameters;
  readonly #hydra: Hydra;
  readonly #channels: ChannelMixer;
  readonly #gate: tf.Variable;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    channels: number,
    states: number,
    config: HydraConfig & Pick<StfConfig, 'mlp_ratio'> & Partial<Pick<StfConfig, 'grad_checkpoint'>>,
    constants: ConstantCache,
  ) {
    this.#norm = createLayerNorm(scope.within('norm'), channels);
    this.#hydra = new Hydra(scope.within('hydra'), channels, states, config, constants);
    this.#channels = new ChannelMixer(scope.within('cm'), channels, config.mlp_ratio);
    this.#gate = scope.zeros('gate', [channels]);
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param x `[B,T,C]`
   * @param allowance factors of the states, `[B,N]`
   */
  forward(x: tf.Tensor3D, masks: [BranchMask], allowance?: tf.Tensor2D): tf.Tensor3D {
    const inputs: tf.Tensor[] = allowance ? [x, allowance] : [x];
    return this.#segment.run(inputs, masks, ([tokens, allowed], [mask]) => {
      const normalised = layerNorm(tokens as tf.Tensor3D, this.#norm);
      return addResidual(tokens as tf.Tensor3D, this.#weighed(normalised, allowed as tf.Tensor2D | undefined), mask);
    });
  }

  #weighed(x: tf.Tensor3D, allowance?: tf.Tensor2D): tf.Tensor3D {
    const overTime = this.#hydra.forward(x, allowance);
    const overChannels = this.#channels.forward(x);
    return tf.add(overChannels, tf.mul(tf.sigmoid(this.#gate), tf.sub(overTime, overChannels)));
  }
}
