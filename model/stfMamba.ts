import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from './config/stfConfig.js';
import { isRunningStatistic } from './layers/batchNorm.js';
import { ConstantCache } from './layers/constantCache.js';
import type { UniformSource } from './layers/initializers.js';
import { ParameterScope } from './layers/parameterScope.js';
import type { BranchMask } from './layers/residual.js';
import type { ModelOutput } from './losses/lossParts.js';
import { ClassifierHead } from './temporal/classifierHead.js';
import { Lateral } from './temporal/lateral.js';
import { MambaTransformer } from './temporal/mambaTransformer.js';
import { PnCascade } from './temporal/pnCascade.js';
import { WaveletSelectiveScan } from './temporal/waveletSelectiveScan.js';
import { dropPathRates, type TrainingMasks } from './trainingMasks.js';
import { Trunk } from './trunk/trunk.js';
import { flickerRatio } from './wavelet/bandEnergy.js';
import type { WaveletFeatures } from './wavelet/waveletGate.js';

export type { UniformSource } from './layers/initializers.js';
export { type LossName, lossParts, type ModelOutput } from './losses/lossParts.js';
export { drawTrainingMasks, type TrainingMasks } from './trainingMasks.js';

const COLOURS = 3;

/**
 * STF-Mamba: clips of face crops to real/fake logits and flicker energies. Frames pass a convolutional trunk gated by
 * a wavelet transform of its own features. Then time is looked at: in V7.3 the means of the last maps pass Bi-Mamba
 * and transformer blocks, in V8 the means of all stages enter a cascade of Hydra stages.
 */
export class StfMamba {
  /** All tensors that a checkpoint holds, by dotted name, in depth order. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Names of the parameters that training changes: all but a frozen backbone's and running statistics. */
  readonly trainable: ReadonlySet<string>;
  readonly #config: StfConfig;
  readonly #constants = new ConstantCache();
  readonly #dropPathRates: number[];
  readonly #trunk: Trunk;
  readonly #tokens: Lateral | undefined;
  readonly #waveletScan: WaveletSelectiveScan | undefined;
  readonly #temporal: PnCascade | MambaTransformer;
  readonly #head: ClassifierHead;
  readonly #frameHead: Lateral | undefined;

  /**
   * Weights of a pretrained backbone are not read here: see loadBackbone.
   *
   * @param uniform draws the initial parameters
   */
  constructor(config: StfConfig, uniform: UniformSource) {
    const scope = ParameterScope.root(uniform);
    this.#config = config;
    this.#dropPathRates = dropPathRates(config);
    this.parameters = scope.parameters;
    this.#trunk = new Trunk(scope, config, this.#constants);
    const { pooledWidths } = this.#trunk;
    if (!config.use_hydra && config.spatial_backbone !== 'v73') {
      this.#tokens = new Lateral(scope.within('tokens'), pooledWidths[2], config.stage3_dim, config);
    }
    if (config.use_wss) {
      const tokenWidth = config.use_hydra ? config.stage1_dim : config.stage3_dim;
      this.#waveletScan = new WaveletSelectiveScan(scope.within('wss'), tokenWidth, config, this.#constants);
    }
    this.#temporal = config.use_hydra
      ? new PnCascade(scope, pooledWidths, config, this.#constants)
      : new MambaTransformer(scope, config);
    this.#head = new ClassifierHead(scope.within('head'), config.stage4_dim, config.num_classes);
    if (config.frame_loss_weight > 0) {
      this.#frameHead = new Lateral(scope.within('frame_head'), pooledWidths[2], config.num_classes, config);
    }
    this.trainable = new Set([...scope.parameters].filter(([, { trainable }]) => trainable).map(([name]) => name));
  }

  /** Number of learnt scalars, those of a frozen backbone included. */
  countParameters(): number {
    return [...this.parameters].reduce((sum, [name, { size }]) => sum + (isRunningStatistic(name) ? 0 : size), 0);
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
      const { pooled, wavelet } = this.#trunk.forward(images, pixels, { nextMask, training: masks !== undefined });
      const { hllEnergy, allBandEnergy, bands, attention } = wavelet;
      const waveletTokens = bands && this.#waveletScan?.forward({ bands, attention }, batch);
      const tokens = this.#overTime(pooled, wavelet, nextMask, waveletTokens);
      const frameLogits = masks && this.#frameHead?.forward(pooled[2]);
      const logits = this.#head.forward(tokens, masks?.dropout);
      return { logits, hllEnergy, allBandEnergy, ...(frameLogits && { frameLogits }) };
    });
  }

  /** Frees all tensors. The model is of no use afterwards. */
  dispose(): void {
    tf.dispose([...this.parameters.values()]);
    this.#constants.dispose();
  }

  /** Pooled maps of the trunk's stages, `[B,T,C_i]`, to tokens `[B,T,stage4_dim]`. */
  #overTime(
    pooled: tf.Tensor3D[],
    { hllEnergy, allBandEnergy }: WaveletFeatures,
    nextMask: () => BranchMask,
    waveletTokens: tf.Tensor3D | undefined,
  ): tf.Tensor3D {
    if (this.#temporal instanceof PnCascade) {
      return this.#temporal.forward(pooled, flickerRatio(hllEnergy, allBandEnergy), nextMask, waveletTokens);
    }
    const tokens = this.#tokens?.forward(pooled[2]) ?? pooled[2];
    return this.#temporal.forward(waveletTokens ? tf.add(tokens, waveletTokens) : tokens, nextMask);
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
