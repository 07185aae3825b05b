import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { type ClipGrid, shrink } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import type { BranchMask } from '../layers/residual.js';
import { WaveletGate } from '../wavelet/waveletGate.js';
import { DcConv3d } from './dcConv3d.js';
import { DOWNSAMPLE_FACTOR, Downsample } from './downsample.js';
import { STEM_PATCH, Stem } from './stem.js';

export type TrunkOutput = {
  /** Gated maps of stage 3, rows `[B·T·H/32·W/32, stage3_dim]`, and their grid. */
  features: tf.Tensor2D;
  grid: ClipGrid;
  hllEnergy: tf.Tensor1D;
  allBandEnergy: tf.Tensor1D;
};

/** Frames to gated feature maps: stem, three reductions, contour convolutions in the first two stages. */
export class NativeTrunk {
  readonly #stem: Stem;
  readonly #wavelet: WaveletGate;
  readonly #stages: { down: Downsample; blocks: DcConv3d[] }[];

  constructor(scope: ParameterScope, config: StfConfig, constants: ConstantCache) {
    this.#stem = new Stem(scope.within('stem'), config.stem_dim);
    this.#wavelet = new WaveletGate(scope.within('dwt'), config, constants);
    const widths = [config.stem_dim, config.stage1_dim, config.stage2_dim, config.stage3_dim];
    const stage = (number: number, blockCount: number, timeKernel: 'straight' | 'deformable') => ({
      down: new Downsample(scope.within(`down${number}`), widths[number - 1], widths[number]),
      blocks: Array.from(
        { length: blockCount },
        (_, j) => new DcConv3d(scope.within(`stage${number}`).within(j), widths[number], timeKernel, config, constants),
      ),
    });
    this.#stages = [
      stage(1, config.stage1_blocks, 'straight'),
      stage(2, config.stage2_blocks, 'deformable'),
      stage(3, 0, 'straight'),
    ];
  }

  /**
   * @param frames `[B·T,H,W,3]`, 0..255
   * @param pixels the grid of `frames`
   * @param nextMask yields the mask of each residual branch in turn
   */
  forward(frames: tf.Tensor4D, pixels: ClipGrid, nextMask: () => BranchMask): TrunkOutput {
    let grid = shrink(pixels, STEM_PATCH);
    let features = this.#stem.forward(frames);
    const { evidence, hllEnergy, allBandEnergy } = this.#wavelet.forward(features, grid);
    this.#stages.forEach(({ down, blocks }, i) => {
      features = down.forward(features, grid);
      grid = shrink(grid, DOWNSAMPLE_FACTOR);
      for (const block of blocks) features = block.forward(features, grid, [nextMask(), nextMask()]);
      features = this.#wavelet.apply((i + 1) as 1 | 2 | 3, features, grid, evidence);
    });
    return { features, grid, hllEnergy, allBandEnergy };
  }
}
