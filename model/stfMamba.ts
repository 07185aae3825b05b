import * as tf from '@tensorflow/tfjs';
import { ConfigError, type StfConfig } from './config/stfConfig.js';
import { ConstantCache } from './layers/constantCache.js';
import type { UniformSource } from './layers/initializers.js';
import { createLinear, type LinearParameters, linear } from './layers/linear.js';
import { ParameterScope } from './layers/parameterScope.js';
import type { BranchMask } from './layers/residual.js';
import type { ModelOutput } from './losses/lossParts.js';
import { BiMamba } from './temporal/biMamba.js';
import { ClassifierHead } from './temporal/classifierHead.js';
import { TransformerBlock } from './temporal/transformerBlock.js';
import { dropPathRates, type TrainingMasks } from './trainingMasks.js';
import { NativeTrunk } from './trunk/nativeTrunk.js';

export type { UniformSource } from './layers/initializers.js';
export { type LossName, lossParts, type ModelOutput } from './losses/lossParts.js';
export { drawTrainingMasks, type TrainingMasks } from './trainingMasks.js';

const COLOURS = 3;

/**
 * STF-Mamba: clips of face crops to real/fake logits and flicker energies. Frames pass a convolutional trunk gated by
 * a wavelet transform of its own features; their means pass bidirectional state-space blocks and a transformer.
 */
export class StfMamba {
  /** Trainable tensors by dotted name, in depth order. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly #config: StfConfig;
  readonly #constants = new ConstantCache();
  readonly #dropPathRates: number[];
  readonly #trunk: NativeTrunk;
  readonly #stateSpace: BiMamba[];
  readonly #widen: LinearParameters | undefined;
  readonly #transformer: TransformerBlock[];
  readonly #head: ClassifierHead;

  /**
   * @param uniform draws the initial parameters
   * @throws ConfigError for parts of the design that this version does not have
   */
  constructor(config: StfConfig, uniform: UniformSource) {
    assertAvailable(config);
    const scope = ParameterScope.root(uniform);
    const { stage3_dim, stage4_dim } = config;
    this.#config = config;
    this.#dropPathRates = dropPathRates(config);
    this.parameters = scope.parameters;
    this.#trunk = new NativeTrunk(scope, config, this.#constants);
    this.#stateSpace = Array.from(
      { length: config.stage3_blocks },
      (_, j) => new BiMamba(scope.within('stage3').within(j), stage3_dim, config),
    );
    if (stage3_dim !== stage4_dim) this.#widen = createLinear(scope.within('stage34'), stage3_dim, stage4_dim);
    this.#transformer = Array.from(
      { length: config.stage4_blocks },
      (_, j) => new TransformerBlock(scope.within('stage4').within(j), stage4_dim, config),
    );
    this.#head = new ClassifierHead(scope.within('head'), stage4_dim, config.num_classes);
  }

  /** Number of trainable scalars. */
  countParameters(): number {
    return [...this.parameters.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * @param clips `[B,T,H,W,3]` int32 or float32, 0..255, T = num_frames, H = W = img_size
   * @param masks random factors of a training step; without them nothing is dropped
   */
  forward(clips: tf.Tensor5D, masks?: TrainingMasks): ModelOutput {
    this.#assertShapes(clips, masks);
    return tf.tidy(() => {
      const [batch, frames, height, width] = clips.shape;
      const pixels = { batch, frames, height, width, segments: this.#config.num_segments };
      const images = tf.reshape(clips, [batch * frames, height, width, COLOURS]) as tf.Tensor4D;
      const nextMask = this.#branchMasks(masks?.dropPath);
      const { features, grid, hllEnergy, allBandEnergy } = this.#trunk.forward(images, pixels, nextMask);
      const maps = tf.reshape(features, [batch, frames, grid.height * grid.width, -1]);
      let tokens = tf.mean(maps, 2) as tf.Tensor3D;
      for (const block of this.#stateSpace) tokens = block.forward(tokens, [nextMask(), nextMask()]);
      if (this.#widen) tokens = linear(tokens, this.#widen);
      for (const block of this.#transformer) tokens = block.forward(tokens, [nextMask(), nextMask()]);
      return { logits: this.#head.forward(tokens, masks?.dropout), hllEnergy, allBandEnergy };
    });
  }

  /** Frees all tensors. The model is of no use afterwards. */
  dispose(): void {
    tf.dispose([...this.parameters.values()]);
    this.#constants.dispose();
  }

  /** The rows of a mask tensor one after the other; branches that never drop get none. */
  #branchMasks(dropPath: tf.Tensor2D | undefined): () => BranchMask {
    let next = 0;
    return () => {
      const branch = next++;
      if (!dropPath || this.#dropPathRates[branch] === 0) return undefined;
      return tf.reshape(tf.slice(dropPath, [branch, 0], [1, -1]), [dropPath.shape[1]]);
    };
  }

  #assertShapes(clips: tf.Tensor5D, masks: TrainingMasks | undefined): void {
    const { num_frames, img_size, stage4_dim } = this.#config;
    const [batch] = clips.shape;
    expectShape('clips', clips, [batch, num_frames, img_size, img_size, COLOURS]);
    if (!masks) return;
    expectShape('masks.dropPath', masks.dropPath, [this.#dropPathRates.length, batch]);
    expectShape('masks.dropout', masks.dropout, [batch, stage4_dim]);
  }
}

function expectShape(name: string, tensor: tf.Tensor, shape: number[]): void {
  if (!tf.util.arraysEqual(tensor.shape, shape)) {
    throw new RangeError(`Expected shape [${shape}] for ${name} but received [${tensor.shape}]`);
  }
}

/** Refuses what the configuration knows but this version has not built. */
function assertAvailable(config: StfConfig): void {
  const refused: [boolean, string][] = [
    [config.spatial_backbone !== 'v73', 'model.spatial_backbone'],
    [config.use_hydra, 'features.use_hydra'],
    [config.use_mamer, 'features.use_mamer'],
    [config.use_wss, 'features.use_wss'],
    [config.use_adaptive_sdim, 'features.use_adaptive_sdim'],
  ];
  const issues = refused
    .filter(([asked]) => asked)
    .map(([, path]) => ({ path, message: 'not available in this version; Phase A and the baseline are' }));
  if (issues.length > 0) throw new ConfigError(issues);
}
