import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { type ClipGrid, shrink } from '../layers/clipGrid.js';
import { convolvePatches } from '../layers/convolution.js';
import { type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { outsideTape } from '../layers/outsideTape.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { asRows } from '../layers/rows.js';
import { Segment } from '../layers/segment.js';
import { foldColourNormalisation } from './colourNormalisation.js';
import { ConvNextBlock } from './convNextBlock.js';
import { type ConvNextLayout, convNextVariants } from './convNextVariants.js';
import { DOWNSAMPLE_FACTOR } from './downsample.js';
import { frozenStages } from './frozenStages.js';
import type { FramePool, PoolLayer, SpatialBackbone, StageLayer, StemLayer, StepMode } from './spatialBackbone.js';
import { STEM_PATCH } from './stem.js';
import { timmConvolution, timmLayerNorm } from './timmLayers.js';

const COLOURS = 3;

/**
 * ConvNeXt V2 (Woo et al., 2023) with timm's names: `stem.0`, `stages.{i}.downsample`, `stages.{i}.blocks.{j}`,
 * `head.norm`. f0 to f3 are the outputs of stages 0 to 3.
 */
export class ConvNextV2 implements SpatialBackbone {
  readonly widths: SpatialBackbone['widths'];
  readonly pooledWidth: number;
  readonly identityAdapters = true;
  readonly #depths: readonly number[];
  readonly #frozen: number;

  constructor(
    private readonly scope: ParameterScope,
    private readonly config: StfConfig,
    { depths, widths }: ConvNextLayout = convNextVariants[config.convnext_variant],
  ) {
    this.widths = widths;
    this.pooledWidth = widths[3];
    this.#depths = depths;
    this.#frozen = frozenStages(config);
  }

  createStem(): StemLayer {
    const frozen = this.#frozen > 0;
    const scope = this.scope.within('stem').frozenIf(frozen);
    const convolution = timmConvolution(scope.within(0), STEM_PATCH, COLOURS, this.widths[0]);
    const norm = timmLayerNorm(scope.within(1), this.widths[0]);
    const segment = Segment.over(scope, this.config);
    const blocks = this.#createBlocks(0);
    const embed = (frames: tf.Tensor4D) => {
      const { kernel, bias } = foldColourNormalisation(convolution);
      return layerNorm(asRows(convolvePatches(tf.cast(frames, 'float32'), kernel, bias)), norm);
    };
    return (frames, pixels, mode) => {
      const grid = shrink(pixels, STEM_PATCH);
      const compute = () =>
        blocks(
          segment.run([], [frames], (_, [frames]) => embed(frames)),
          grid,
          mode,
        );
      return { features: frozen ? outsideTape(frames, compute) : compute(), grid };
    };
  }

  createStage(number: 1 | 2 | 3): StageLayer {
    // f0 is no one's output but the backbone's, so a frozen stage 1 has nothing trained before it.
    const outside = number === 1 && this.#frozen > 1;
    const scope = this.scope
      .within('stages')
      .within(number)
      .within('downsample')
      .frozenIf(this.#frozen > number);
    const norm = timmLayerNorm(scope.within(0), this.widths[number - 1]);
    const convolution = timmConvolution(
      scope.within(1),
      DOWNSAMPLE_FACTOR,
      this.widths[number - 1],
      this.widths[number],
    );
    const segment = Segment.over(scope, this.config);
    const blocks = this.#createBlocks(number);
    const reduce = (features: tf.Tensor2D, grid: ClipGrid) => images(layerNorm(features, norm), grid);
    return ({ features, grid: before }, mode) => {
      const grid = shrink(before, DOWNSAMPLE_FACTOR);
      const compute = () => {
        const reduced = segment.run([features], [], ([features]) =>
          asRows(convolvePatches(reduce(features, before), convolution.kernel, convolution.bias)),
        );
        return blocks(reduced, grid, mode);
      };
      return { features: outside ? outsideTape(features, compute) : compute(), grid };
    };
  }

  createPool(pool: FramePool): PoolLayer {
    const norm: LayerNormParameters = timmLayerNorm(this.scope.within('head').within('norm'), this.pooledWidth);
    return (map) => layerNorm(pool(map), norm);
  }

  #createBlocks(number: 0 | 1 | 2 | 3): (x: tf.Tensor2D, grid: ClipGrid, mode: StepMode) => tf.Tensor2D {
    const scope = this.scope
      .within('stages')
      .within(number)
      .within('blocks')
      .frozenIf(this.#frozen > number);
    const blocks = Array.from(
      { length: this.#depths[number] },
      (_, j) => new ConvNextBlock(scope.within(j), this.widths[number], this.config),
    );
    return (x, grid, mode) => blocks.reduce((rows, block) => block.forward(rows, grid, mode.nextMask()), x);
  }
}

function images(rows: tf.Tensor2D, { batch, frames, height, width }: ClipGrid): tf.Tensor4D {
  return tf.reshape(rows, [batch * frames, height, width, rows.shape[1]]);
}
