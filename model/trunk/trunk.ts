import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { applyAttention, type WaveletFeatures, WaveletGate } from '../wavelet/waveletGate.js';
import { createBackbone } from './createBackbone.js';
import { DcConv3d } from './dcConv3d.js';
import { framePool } from './framePool.js';
import type { FeatureMap, FramePool, PoolLayer, StageLayer, StemLayer, StepMode } from './spatialBackbone.js';

export type TrunkOutput = FeatureMap & {
  /** One token a frame from the gated maps of stages 1, 2 and 3, `[B,T,pooledWidths[i]]`. */
  pooled: tf.Tensor3D[];
  /** What the wavelet branch measured, and the attention of stage 1, rows `[B·T/2·H/8·W/8, C]`. */
  wavelet: WaveletFeatures & { attention: tf.Tensor2D };
};

type Stage = { layer: StageLayer; contours: DcConv3d[] };

/**
 * Frames to gated feature maps: a backbone that sees each frame by itself, contour convolutions after its first two
 * stages, and the wavelet branch that gates every stage's output on its way into the next.
 */
export class Trunk {
  /** Channels of the pooled tokens of stages 1, 2 and 3. */
  readonly pooledWidths: readonly [number, number, number];
  readonly #stem: StemLayer;
  readonly #wavelet: WaveletGate;
  readonly #stages: Stage[];
  readonly #framePool: FramePool;
  readonly #pool: PoolLayer;

  constructor(scope: ParameterScope, config: StfConfig, constants: ConstantCache) {
    const backbone = createBackbone(scope, config);
    const { widths } = backbone;
    this.pooledWidths = [widths[1], widths[2], backbone.pooledWidth];
    this.#stem = backbone.createStem();
    this.#wavelet = new WaveletGate(scope.within('dwt'), config, constants, widths);
    const stage = (number: 1 | 2 | 3, blocks: number, timeKernel: 'straight' | 'deformable'): Stage => {
      const layer = backbone.createStage(number);
      const part = scope.within(`stage${number}`);
      const contours = Array.from(
        { length: blocks },
        (_, j) =>
          new DcConv3d(part.within(j), widths[number], timeKernel, config, constants, backbone.identityAdapters),
      );
      return { layer, contours };
    };
    this.#stages = [
      stage(1, config.stage1_blocks, 'straight'),
      stage(2, config.stage2_blocks, 'deformable'),
      stage(3, 0, 'straight'),
    ];
    this.#framePool = framePool(config, constants);
    this.#pool = backbone.createPool(this.#framePool);
  }

  /**
   * @param frames `[B·T,H,W,3]`, 0..255
   * @param pixels the grid of `frames`
   */
  forward(frames: tf.Tensor4D, pixels: ClipGrid, mode: StepMode): TrunkOutput {
    let map = this.#stem(frames, pixels, mode);
    const wavelet = this.#wavelet.forward(map.features, map.grid);
    const attentions: tf.Tensor2D[] = [];
    const pooled = this.#stages.map(({ layer, contours }, i) => {
      const { features, grid } = layer(map, mode);
      let rows = features;
      for (const block of contours) rows = block.forward(rows, grid, [mode.nextMask(), mode.nextMask()]);
      attentions.push(this.#wavelet.attention((i + 1) as 1 | 2 | 3, grid.height, wavelet.evidence));
      map = { features: applyAttention(rows, attentions[i], grid), grid };
      return i < 2 ? this.#framePool(map) : this.#pool(map, mode);
    });
    return { ...map, pooled, wavelet: { ...wavelet, attention: attentions[0] } };
  }
}
