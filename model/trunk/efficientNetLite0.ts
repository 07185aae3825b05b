import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { shrink } from '../layers/clipGrid.js';
import { outsideTape } from '../layers/outsideTape.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';
import { normaliseColours } from './colourNormalisation.js';
import { blockGroups, HEAD_WIDTH, STEM_WIDTH, stageGroups } from './efficientNetLayout.js';
import { frozenStages } from './frozenStages.js';
import { InvertedResidual } from './invertedResidual.js';
import { NormalisedConvolution } from './normalisedConvolution.js';
import type {
  FeatureMap,
  FramePool,
  PoolLayer,
  SpatialBackbone,
  StageLayer,
  StemLayer,
  StepMode,
} from './spatialBackbone.js';

const COLOURS = 3;
const STEM_KERNEL = 3;
const STEM_STRIDE = 2;
const STRIDES = [4, 8, 16, 32] as const;
/**
 * What a gate multiplies by before it has learnt anything, 1 + σ(0). Unlike layer normalisation, batch normalisation
 * by stored statistics would pass it on, so what comes from a gate is divided by it.
 */
const NEUTRAL_GATE = 1.5;

/**
 * EfficientNet-Lite0 (after Tan and Le, 2019) with timm's names: `conv_stem`, `bn1`, `blocks.{group}.{j}`, `conv_head`, `bn2`. f0 to f3 are the
 * last maps of strides 4, 8, 16 and 32; tokens pass the network's own last convolution.
 */
export class EfficientNetLite0 implements SpatialBackbone {
  readonly widths: SpatialBackbone['widths'];
  readonly pooledWidth = HEAD_WIDTH;
  readonly identityAdapters = true;
  readonly #frozen: number;

  constructor(
    private readonly scope: ParameterScope,
    private readonly config: StfConfig,
  ) {
    const [w0, w1, w2, w3] = stageGroups.map((groups) => blockGroups[groups[groups.length - 1]].outputs);
    this.widths = [w0, w1, w2, w3];
    this.#frozen = frozenStages(config);
  }

  createStem(): StemLayer {
    const frozen = this.#frozen > 0;
    const scope = this.scope.frozenIf(frozen);
    const names = { convolution: 'conv_stem', norm: 'bn1' };
    const convolution = NormalisedConvolution.full(scope, names, STEM_KERNEL, STEM_STRIDE, COLOURS, STEM_WIDTH);
    const overBatch = this.#overBatch(0);
    const segment = this.#segment(scope, ['conv_stem', 'bn1'], overBatch);
    const blocks = this.#createBlocks(0);
    return (frames, pixels, mode) => {
      const compute = () => {
        const features = segment.run([], [frames], (_, [frames]) =>
          convolution.forwardClipped(normaliseColours(frames), overBatch && mode.training),
        );
        return blocks({ features, grid: shrink(pixels, STEM_STRIDE) }, mode).features;
      };
      return { features: frozen ? outsideTape(frames, compute) : compute(), grid: shrink(pixels, STRIDES[0]) };
    };
  }

  createStage(number: 1 | 2 | 3): StageLayer {
    const blocks = this.#createBlocks(number);
    if (number > 1) return (map, mode) => blocks(ungated(map), mode);
    // f0 is no one's output but the backbone's, so a frozen stage 1 has nothing trained before it.
    if (this.#frozen < 2) return blocks;
    return (map, mode) => ({
      features: outsideTape(map.features, () => blocks(map, mode).features),
      grid: shrink(map.grid, STRIDES[1] / STRIDES[0]),
    });
  }

  createPool(pool: FramePool): PoolLayer {
    const names = { convolution: 'conv_head', norm: 'bn2' };
    const convolution = NormalisedConvolution.pointwise(this.scope, names, this.widths[3], HEAD_WIDTH);
    const overBatch = this.#overBatch(3);
    const segment = this.#segment(this.scope, ['conv_head', 'bn2'], overBatch);
    return (map, mode) => {
      const { features, grid } = ungated(map);
      const rows = segment.run([features], [], ([features]) => {
        const maps = tf.reshape(features, [features.shape[0], 1, 1, features.shape[1]]) as tf.Tensor4D;
        return convolution.forwardClipped(maps, overBatch && mode.training);
      });
      return pool({ features: rows, grid });
    };
  }

  /** Whether the blocks of a stage normalise by the batch while training; frozen ones are as they were loaded. */
  #overBatch(stage: number): boolean {
    return this.config.backbone_batch_norm === 'train' && this.#frozen <= stage;
  }

  #segment(scope: ParameterScope, parts: string[], overBatch: boolean): Segment {
    const weights = parts.flatMap((part) => scope.within(part).variables());
    return new Segment(`${scope.name}.${parts[0]}`, weights, overBatch ? {} : this.config);
  }

  #createBlocks(stage: 0 | 1 | 2 | 3): (map: FeatureMap, mode: StepMode) => FeatureMap {
    const blocks = stageGroups[stage].flatMap((group) => {
      const { repeats, stride, ...layout } = blockGroups[group];
      const before = group === 0 ? STEM_WIDTH : blockGroups[group - 1].outputs;
      const scope = this.scope
        .within('blocks')
        .within(group)
        .frozenIf(this.#frozen > stage);
      return Array.from({ length: repeats }, (_, j) => {
        const inputs = j === 0 ? before : layout.outputs;
        const own = { ...layout, stride: j === 0 ? stride : (1 as const) };
        return new InvertedResidual(scope.within(j), inputs, own, this.#overBatch(stage), this.config);
      });
    });
    return (map, mode) => blocks.reduce((current, block) => block.forward(current, mode), map);
  }
}

function ungated({ features, grid }: FeatureMap): FeatureMap {
  return { features: tf.div(features, NEUTRAL_GATE), grid };
}
