import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import type { BranchMask } from '../layers/residual.js';
import { AdaptiveStates } from './adaptiveStates.js';
import { Lateral } from './lateral.js';
import { PnStage } from './pnStage.js';
import { Transition } from './transition.js';

/**
 * The temporal part of V8: four stages of growing width. The first three take in the pooled maps of the trunk's stage
 * of the same number, `s_i = PN_i(s_{i−1}·T_i + P_i(GAP f_i))`; the fourth only the third's tokens.
 */
export class PnCascade {
  readonly #adaptive: AdaptiveStates | undefined;
  readonly #stages: { transition?: Transition; lateral?: Lateral; stage: PnStage }[];

  /** @param mapWidths channels of the trunk's pooled maps of stages 1, 2 and 3 */
  constructor(scope: ParameterScope, mapWidths: readonly number[], config: StfConfig, constants: ConstantCache) {
    const widths = [config.stage1_dim, config.stage2_dim, config.stage3_dim, config.stage4_dim];
    const blocks = [config.stage1_blocks, config.stage2_blocks, config.stage3_blocks, config.stage4_blocks];
    if (config.use_adaptive_sdim) this.#adaptive = new AdaptiveStates(scope.within('adaptive'), config);
    this.#stages = widths.map((width, i) => {
      const part = (name: string) => scope.within(`${name}${i + 1}`);
      const hasLateral = i < mapWidths.length;
      // The last stage needs no transition where it is as wide as the third.
      const changes = i > 0 && (hasLateral || width !== widths[i - 1]);
      return {
        transition: changes ? new Transition(part('trans'), widths[i - 1], width, config) : undefined,
        lateral: hasLateral ? new Lateral(part('lateral'), mapWidths[i], width, config) : undefined,
        stage: new PnStage(part('temporal'), width, blocks[i], config, constants),
      };
    });
  }

  /**
   * @param pooled means of the trunk's maps of stages 1, 2 and 3, `[B,T,mapWidths_i]`
   * @param flicker share of the HLL band in each clip's amplitude, `[B]`
   * @param waveletTokens added to the first stage's input, `[B,T,stage1_dim]`
   * @returns `[B,T,stage4_dim]`
   */
  forward(
    pooled: readonly tf.Tensor3D[],
    flicker: tf.Tensor1D,
    nextMask: () => BranchMask,
    waveletTokens?: tf.Tensor3D,
  ): tf.Tensor3D {
    const allowance = this.#adaptive?.forward(flicker);
    let tokens: tf.Tensor3D | undefined = waveletTokens;
    this.#stages.forEach(({ transition, lateral, stage }, i) => {
      if (tokens && transition) tokens = transition.forward(tokens);
      if (lateral) {
        const entering = lateral.forward(pooled[i]);
        tokens = tokens ? tf.add(tokens, entering) : entering;
      }
      tokens = stage.forward(tokens as tf.Tensor3D, nextMask, allowance);
    });
    return tokens as tf.Tensor3D;
  }
}
