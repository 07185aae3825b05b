import * as tf from '@tensorflow/tfjs';
import { assertFinite } from '../checkpoint/assertFinite.js';
import { CheckpointError } from '../checkpoint/checkpointError.js';
import { float32, type HostTensor } from '../checkpoint/hostTensor.js';
import { loadWeights } from '../checkpoint/loadWeights.js';
import { valueText } from '../checkpoint/valueText.js';
import type { StfConfig } from '../config/stfConfig.js';
import { effectivePrecision, type Precision } from '../engine/precision.js';
import type { StagedBytes } from '../engine/recording/feedStaging.js';
import { inPlace } from '../engine/recording/place.js';
import type { RunOptions, StepProfile, StepRunner } from '../engine/recording/stepRunner.js';
import { engineDevice } from '../engine/startEngine.js';
import { type Prediction, predict } from '../evaluation/predict.js';
import type { UniformSource } from '../layers/initializers.js';
import { lossParts } from '../losses/lossParts.js';
import { AdamW, type Moments } from '../optimiser/adamW.js';
import { clipScale } from '../optimiser/clipScale.js';
import { GradientAccumulator } from '../optimiser/gradientAccumulator.js';
import { learningRateAt } from '../optimiser/learningRate.js';
import { type ParameterGroup, parameterGroups } from '../optimiser/parameterGroups.js';
import { WeightAverage } from '../optimiser/weightAverage.js';
import type { StfMamba } from '../stfMamba.js';
import { drawMaskValues, type MaskValues, sliceMaskValues, type TrainingMasks } from '../trainingMasks.js';
import { pretrainedSource } from '../trunk/pretrainedSource.js';
import { clipInput } from './clipInput.js';
import { createStepRunner } from './createStepRunner.js';
import { StatisticsBefore } from './statisticsBefore.js';

/** The terms of the loss of one micro-batch, plain numbers; `hllDefined` is 1 or 0. */
export type MicroResult = Record<keyof ReturnType<typeof lossParts>, number>;

/** `clips` uint8 RGB `[B,T,H,W,3]`, `labels` 0 real, 1 fake; `key` names them where they may have been staged ahead. */
type Batch = { clips: Uint8Array; labels: Int32Array; key?: string };

/** Clips of the micro-batch that comes after the one at hand. */
export type NextClips = { clips: Uint8Array; key: string };

export type TrainerSchedule = {
  stepsPerEpoch: number;
  totalSteps: number;
  /** Step (0-based) at which the warm-up begins; default 0. */
  warmupFrom?: number;
};

export type TrainerOptions = {
  /**
   * Whether the trunk began with pretrained weights and so trains at `backbone_lr_mult` of the rate; as the
   * configuration says unless given. A trunk of random weights would hardly learn at so small a rate.
   */
  pretrainedTrunk?: boolean;
  /** Told what the user should know, such as why steps are not recorded. */
  say?: (note: string) => void;
};

const partNames = ['total', 'ce', 'pair', 'frame', 'hll', 'gap', 'hllReal', 'hllFake', 'hllDefined'] as const;

/**
 * How TensorFlow refuses to read at a position that is no number: the offsets of a contour convolution, once weights or
 * features are not finite. On a GPU it reads zeros instead.
 */
const readOutOfPlace = /does not index into param/;

/**
 * Trains a model: micro-batches are accumulated, then applied in one optimiser step. Variables that are not trainable
 * (a frozen backbone's) stay as they are and have neither moments nor averages.
 *
 * The contrastive term is the mean of the micro-batches' hinges, not the hinge of the mean over all of them; the
 * cross-entropy does not care how a batch is split.
 */
export class Trainer {
  readonly #groups: ParameterGroup[];
  readonly #gradients: GradientAccumulator;
  readonly #optimiser: AdamW;
  readonly #runner: StepRunner;
  #shadow: WeightAverage | undefined;
  #accumulated = 0;
  #flops = 0;
  #precision: (Precision & { stepMode: 'recorded' | 'eager' }) | undefined;
  #skipped = 0;
  /** A loss of the begun step was not finite. */
  #spoilt = false;
  /** There, if batches move running statistics. */
  readonly #statistics: StatisticsBefore | undefined;
  /** A step has begun: the running statistics from before it are kept. */
  #begun = false;

  constructor(
    private readonly model: StfMamba,
    private readonly config: StfConfig,
    private readonly schedule: TrainerSchedule,
    { pretrainedTrunk = pretrainedSource(config).kind !== 'none', say }: TrainerOptions = {},
  ) {
    this.#groups = parameterGroups(model.parameters);
    this.#gradients = new GradientAccumulator(this.#groups);
    this.#optimiser = new AdamW(this.#groups, {
      weightDecay: config.weight_decay,
      trunkMultiplier: pretrainedTrunk ? config.backbone_lr_mult : 1,
    });
    if (config.backbone_batch_norm === 'train') this.#statistics = StatisticsBefore.where(model.parameters);
    this.#runner = createStepRunner(config, () => this.#variables(), say);
  }

  /** The moving average, if there is to be one. It begins on first use, with weights that were loaded by then. */
  get #average(): WeightAverage | undefined {
    const { ema_decay: decay } = this.config;
    if (decay > 0) this.#shadow ??= new WeightAverage(this.#groups, decay);
    return this.#shadow;
  }

  #variables(): tf.Variable[] {
    return [
      ...this.model.parameters.values(),
      ...this.#gradients.sums,
      ...this.#optimiser.variables,
      ...(this.#average?.variables ?? []),
      ...(this.#statistics?.variables ?? []),
    ];
  }

  /** How steps are run: recorded as graphs, or operation by operation. */
  get stepMode(): 'recorded' | 'eager' {
    return this.#runner.mode;
  }

  /** Whether the clips of a next micro-batch can be staged, and so are worth giving along. */
  get staging(): boolean {
    return this.#runner.staging;
  }

  /** In what the products of a training step are computed. */
  get precision(): Precision {
    const { stepMode } = this;
    if (this.#precision?.stepMode !== stepMode) {
      this.#precision = { ...effectivePrecision(this.config.amp_dtype, stepMode, engineDevice()), stepMode };
    }
    const { stepMode: _, ...precision } = this.#precision;
    return precision;
  }

  /** Floating-point operations of all micro-batches so far, forward and backward, as far as their steps were recorded. */
  get flops(): number {
    return this.#flops;
  }

  /** Nodes of the graphs recorded so far. */
  get recordedNodes(): number {
    return this.#runner.nodes;
  }

  /** Steps left out because their gradient was not finite. */
  get skippedSteps(): number {
    return this.#skipped;
  }

  /**
   * Adds the gradient of one micro-batch: `clips` uint8 RGB `[B,T,H,W,3]`, `labels` 0 real, 1 fake. `uniform` draws
   * the masks of drop path and dropout.
   *
   * @param parts computes it in so many equal parts, one after the other, which takes less memory and counts as so many
   *   micro-batches in `apply`: with pairs kept whole the mean over all samples is the same
   * @param next clips of the next micro-batch, copied to the device while this one computes where `staging` says so;
   *   the call that brings them names the same key. In parts nothing is staged. No number depends on it
   */
  accumulate(batch: Batch, uniform: UniformSource, parts = 1, next?: NextClips): MicroResult {
    return this.#micro(batch, uniform, { parts, next });
  }

  /** Does the same and says which nodes of the recorded step took the time; undefined for eager steps. */
  profile(batch: Batch, uniform: UniformSource): StepProfile | undefined {
    this.#micro(batch, uniform, { profile: true });
    return this.#runner.profile;
  }

  #micro(
    { clips, labels, key }: Batch,
    uniform: UniformSource,
    { parts = 1, profile = false, next }: { parts?: number; profile?: boolean; next?: NextClips },
  ): MicroResult {
    this.#begin();
    const masks = drawMaskValues(this.config, labels.length, uniform);
    if (parts === 1) {
      const staged = { key, ...(next && this.staging ? { next: this.#staged(next) } : {}) };
      return this.#accumulatePart(clips, labels, masks, { profile, staged });
    }
    const size = labels.length / parts;
    if (!Number.isInteger(size / 2))
      throw new RangeError(`Expected whole pairs in each part but received ${labels.length} clips in ${parts} parts`);
    const bytes = clips.length / parts;
    const results = Array.from({ length: parts }, (_, i) =>
      this.#accumulatePart(
        clips.slice(i * bytes, (i + 1) * bytes),
        labels.slice(i * size, (i + 1) * size),
        sliceMaskValues(masks, i * size, size),
        { profile },
      ),
    );
    const mean = (name: keyof MicroResult) => results.reduce((sum, result) => sum + result[name], 0) / parts;
    return Object.fromEntries(partNames.map((name) => [name, mean(name)])) as MicroResult;
  }

  #staged({ key, clips }: NextClips): StagedBytes {
    const { num_frames: frames, img_size: size, in_channels: channels } = this.config;
    const count = Math.floor(clips.length / (frames * size ** 2 * channels));
    const { shape } = clipInput(clips, count, this.config);
    return { key, shape, values: clips };
  }

  /** What has to be before the first micro-batch of a step. */
  #begin(): void {
    // An average that begins later would begin with other weights.
    void this.#average;
    if (this.#begun) return;
    this.#begun = true;
    const statistics = this.#statistics;
    if (!statistics) return;
    this.#runner.run('keep statistics', [], () => {
      statistics.keep();
      return [];
    });
  }

  #accumulatePart(
    clips: Uint8Array,
    labels: Int32Array,
    masks: MaskValues,
    options: Pick<RunOptions, 'profile' | 'staged'>,
  ): MicroResult {
    let numbers: Float32Array;
    try {
      numbers = this.#gradientsOf(clips, labels, masks, options);
    } catch (error) {
      if (!readOutOfPlace.test((error as Error).message)) throw error;
      numbers = new Float32Array(partNames.length).fill(Number.NaN);
    }
    this.#accumulated++;
    if (!Number.isFinite(numbers[0]!)) this.#spoilt = true;
    return Object.fromEntries(partNames.map((name, i) => [name, numbers[i]!])) as MicroResult;
  }

  #gradientsOf(
    clips: Uint8Array,
    labels: Int32Array,
    { dropPath, dropout }: MaskValues,
    options: Pick<RunOptions, 'profile' | 'staged'>,
  ): Float32Array {
    const [numbers] = this.#runner.run(
      'micro-batch',
      [
        clipInput(clips, labels.length, this.config),
        { dtype: 'int32', shape: [labels.length], values: labels },
        { dtype: 'float32', ...dropPath },
        { dtype: 'float32', ...dropout },
      ],
      ([batch, target, dropPath, dropout]) => [
        this.#addGradients(batch as tf.Tensor5D, target as tf.Tensor1D, {
          dropPath: dropPath as tf.Tensor2D,
          dropout: dropout as tf.Tensor2D,
        }),
      ],
      { bfloat16: this.precision.dtype === 'bfloat16', ...options },
    );
    this.#flops += this.#runner.flops ?? 0;
    return numbers!;
  }

  /** Forward and backward pass; returns the parts of the loss in the order of `partNames`. */
  #addGradients(batch: tf.Tensor5D, target: tf.Tensor1D, masks: TrainingMasks): tf.Tensor {
    const variables = this.#groups.flatMap((group) => group.variables);
    let stacked: tf.Tensor | undefined;
    const { grads } = tf.variableGrads(() => {
      const parts = lossParts(this.model.forward(batch, masks), target, this.config);
      // Read once, after the backward pass, instead of stopping it for each number.
      stacked = tf.keep(tf.stack(partNames.map((name) => parts[name].toFloat())));
      return parts.total;
    }, variables);
    inPlace('accumulation', () => this.#gradients.add(grads));
    return stacked!;
  }

  /**
   * Ends optimiser step `step` (0-based): averages over the micro-batches, clips by the global norm and updates. A
   * loss or gradient that is not finite leaves weights and moments as they are. `gradNorm` is the norm before clipping.
   */
  apply(step: number): { gradNorm: number; lr: number; skipped: boolean } {
    const count = this.#accumulated;
    if (count === 0) throw new Error(`expected at least one accumulated micro-batch before step ${step} is applied`);
    const lr = this.learningRate(step);
    const [squares] = this.#runner.run('gradient norm', [], () => [
      inPlace('gradientNorm', () => this.#gradients.squaredNorm()),
    ]);
    const gradNorm = Math.sqrt(squares![0]!) / count;
    const skipped = this.#spoilt || !Number.isFinite(gradNorm);
    if (skipped) {
      this.#skipped++;
      this.discard();
    } else this.#update(clipScale(gradNorm, this.config.max_grad_norm) / count, lr);
    return { gradNorm, lr, skipped };
  }

  #update(scale: number, learningRate: number): void {
    const { first, second } = this.#optimiser.nextCorrections();
    const scalar = (value: number) => ({ dtype: 'float32' as const, shape: [], values: Float32Array.of(value) });
    this.#runner.run('update', [scale, learningRate, first, second].map(scalar), (inputs) => {
      const [scale, learningRate, firstCorrection, secondCorrection] = inputs as tf.Scalar[];
      const scalars = { scale, learningRate, firstCorrection, secondCorrection };
      inPlace('optimiser', () => this.#optimiser.update(this.#gradients.sums, scalars));
      inPlace('average', () => this.#average?.update());
      this.#gradients.clear();
      return [];
    });
    this.#accumulated = 0;
    this.#begun = false;
  }

  /** Forgets the micro-batches that were not applied yet; all is as it was before the first of them. */
  discard(): void {
    const statistics = this.#begun ? this.#statistics : undefined;
    this.#accumulated = 0;
    this.#spoilt = false;
    this.#begun = false;
    this.#runner.run(statistics ? 'discard with statistics' : 'discard', [], () => {
      this.#gradients.clear();
      statistics?.restore();
      return [];
    });
  }

  /** Learning rate of optimiser step `step`. */
  learningRate(step: number): number {
    const { lr, min_lr: minLr, warmup_epochs: warmupEpochs } = this.config;
    const warmupSteps = Math.round(warmupEpochs * this.schedule.stepsPerEpoch);
    const { totalSteps, warmupFrom } = this.schedule;
    return learningRateAt(step, { lr, minLr, warmupSteps, totalSteps, warmupFrom });
  }

  /** Scores `count` clips, uint8 RGB `[count,T,H,W,3]`, without dropout. */
  predict(clips: Uint8Array, count: number): Prediction {
    return predict(this.model, this.config, clips, count, this.#runner);
  }

  /** Runs `body` with the moving average of the weights in their place, if there is one (`ema_decay`). */
  withAverage<Result>(body: () => Result): Result {
    const average = this.#average;
    if (!average) return body();
    const swap = () =>
      this.#runner.run('swap averages', [], () => {
        average.swap();
        return [];
      });
    swap();
    try {
      return body();
    } finally {
      swap();
    }
  }

  /** Brings the model's variables up to date: recorded steps keep the weights inside their graph. */
  pullWeights(): void {
    this.#runner.pull();
  }

  /** Where each parameter lies in the flat vectors `optim.m` and `optim.v`, for a checkpoint's metadata. */
  momentIndex(): { name: string; offset: number; size: number }[] {
    let offset = 0;
    return this.#namesAndSizes().map(([name, size]) => {
      const entry = { name, offset, size };
      offset += size;
      return entry;
    });
  }

  /**
   * Everything that training goes on from, in host memory: weights under their names, the moments as flat vectors in
   * order of name (momentIndex), counters, averages under `ema.`. Micro-batches not yet applied are not part of it.
   */
  exportState(): Map<string, HostTensor> {
    this.pullWeights();
    const tensors = new Map<string, HostTensor>();
    const before = this.#begun ? this.#statistics : undefined;
    for (const [name, variable] of this.model.parameters) {
      const held = before?.of(variable) ?? variable;
      tensors.set(name, float32(variable.shape, held.dataSync<'float32'>()));
    }
    const moments = this.#optimiser.exportMoments();
    const index = this.momentIndex();
    const length = index.reduce((sum, { size }) => sum + size, 0);
    for (const part of ['m', 'v'] as const) {
      const flat = new Float32Array(length);
      for (const { name, offset } of index) flat.set(moments.get(name)![part], offset);
      tensors.set(`optim.${part}`, float32([length], flat));
    }
    const counters = new Int32Array([this.#optimiser.updates, this.#skipped]);
    tensors.set('optim.counters', { dtype: 'I32', shape: [2], data: counters });
    for (const [name, average] of this.#average?.export() ?? []) {
      tensors.set(`ema.${name}`, float32(this.model.parameters.get(name)!.shape, average));
    }
    return tensors;
  }

  /** Goes on from an exported state. Throws CheckpointError, with nothing changed, when it is not of this model. */
  importState(tensors: ReadonlyMap<string, HostTensor>) {
    const index = this.momentIndex();
    const length = index.reduce((sum, { size }) => sum + size, 0);
    const m = expectTensor(tensors, 'optim.m', 'F32', [length]).data as Float32Array;
    const v = expectTensor(tensors, 'optim.v', 'F32', [length]).data as Float32Array;
    const counters = expectTensor(tensors, 'optim.counters', 'I32', [2]).data as Int32Array;
    const averages = new Map<string, Float32Array>();
    if (this.#average) {
      for (const { name } of index) {
        const { shape } = this.model.parameters.get(name)!;
        averages.set(name, expectTensor(tensors, `ema.${name}`, 'F32', shape).data as Float32Array);
      }
    }
    assertFinite('optim.m', m);
    assertFinite('optim.v', v);
    if (counters.some((count) => count < 0)) {
      throw new CheckpointError(
        `cannot go on from this checkpoint: optim.counters: expected none below 0, received [${counters}]`,
      );
    }
    loadWeights(this.model, tensors, 'strict');
    const moments: Moments = new Map(
      index.map(({ name, offset, size }) => [
        name,
        { m: m.subarray(offset, offset + size), v: v.subarray(offset, offset + size) },
      ]),
    );
    this.#optimiser.importMoments(moments, counters[0]!);
    this.#skipped = counters[1]!;
    this.#average?.import(averages);
    this.discard();
  }

  #namesAndSizes(): [string, number][] {
    return this.#groups
      .flatMap(({ names, variables }) => names.map((name, k): [string, number] => [name, variables[k]!.size]))
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Frees the optimiser's memory; the model stays. */
  dispose() {
    this.#runner.dispose();
    this.#gradients.dispose();
    this.#statistics?.dispose();
    this.#optimiser.dispose();
    this.#shadow?.dispose();
  }
}

function expectTensor(
  tensors: ReadonlyMap<string, HostTensor>,
  name: string,
  dtype: HostTensor['dtype'],
  shape: readonly number[],
): HostTensor {
  const tensor = tensors.get(name);
  if (!tensor || tensor.dtype !== dtype || !tf.util.arraysEqual(tensor.shape, [...shape])) {
    const received = tensor ? `${tensor.dtype} ${valueText(tensor.shape)}` : 'nothing';
    throw new CheckpointError(
      `cannot go on from this checkpoint: ${name}: expected ${dtype} [${shape}], received ${received}`,
    );
  }
  return tensor;
}
