import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import type { BranchMask } from '../layers/residual.js';
import { BiMamba } from './biMamba.js';
import { TransformerBlock } from './transformerBlock.js';

/** The temporal part of V7.3: Bi-Mamba blocks bring in the order of frames, transformer blocks compare them all. */
export class MambaTransformer {
  readonly #stateSpace: BiMamba[];
  readonly #widen: LinearParameters | undefined;
  readonly #transformer: TransformerBlock[];

  constructor(scope: ParameterScope, config: StfConfig) {
    const { stage3_dim, stage4_dim } = config;
    this.#stateSpace = Array.from(
      { length: config.stage3_blocks },
      (_, j) => new BiMamba(scope.within('stage3').within(j), stage3_dim, config),
    );
    if (stage3_dim !== stage4_dim) this.#widen = createLinear(scope.within('stage34'), stage3_dim, stage4_dim);
    this.#transformer = Array.from(
      { length: config.stage4_blocks },
      (_, j) => new TransformerBlock(scope.within('stage4').within(j), stage4_dim, config),
    );
  }

  /**
   * @param x `[B,T,stage3_dim]`
   * @returns `[B,T,stage4_dim]`
   */
  forward(x: tf.Tensor3D, nextMask: () => BranchMask): tf.Tensor3D {
    let tokens = x;
    for (const block of this.#stateSpace) tokens = block.forward(tokens, [nextMask(), nextMask()]);
    if (this.#widen) tokens = linear(tokens, this.#widen);
    for (const block of this.#transformer) tokens = block.forward(tokens, [nextMask(), nextMask()]);
    return tokens;
  }
}
