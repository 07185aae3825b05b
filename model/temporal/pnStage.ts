import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import type { BranchMask } from '../layers/residual.js';
import { stateCount } from './adaptiveStates.js';
import { MamerBlock } from './mamerBlock.js';
import { PnBlock } from './pnBlock.js';

/** PN blocks before the Mamer block of a stage: the hybrid ratio of one attention to four state-space mixers. */
const BLOCKS_BEFORE_MAMER = 3;

/** How many blocks of which kind a stage has; `blocks` is its own number of blocks, which Mamer overrules. */
export function pnStageLayout(config: Pick<StfConfig, 'use_mamer'>, blocks: number): { pn: number; mamer: boolean } {
  return config.use_mamer ? { pn: BLOCKS_BEFORE_MAMER, mamer: true } : { pn: blocks, mamer: false };
}

/** One stage of the temporal cascade: PN blocks of one width, and a Mamer block at its end if asked for. */
export class PnStage {
  readonly #blocks: PnBlock[];
  readonly #mamer: MamerBlock | undefined;

  constructor(scope: ParameterScope, channels: number, blocks: number, config: StfConfig, constants: ConstantCache) {
    const { pn, mamer } = pnStageLayout(config, blocks);
    const states = stateCount(config);
    this.#blocks = Array.from(
      { length: pn },
      (_, k) => new PnBlock(scope.within('pn').within(k), channels, states, config, constants),
    );
    if (mamer) this.#mamer = new MamerBlock(scope.within('mamer'), channels, states, config, constants);
  }

  /**
   * @param x `[B,T,C]`
   * @param allowance factors of the states, `[B,N]`
   */
  forward(x: tf.Tensor3D, nextMask: () => BranchMask, allowance?: tf.Tensor2D): tf.Tensor3D {
    const tokens = this.#blocks.reduce((tokens, block) => block.forward(tokens, [nextMask()], allowance), x);
    return this.#mamer ? this.#mamer.forward(tokens, [nextMask(), nextMask()], allowance) : tokens;
  }
}
