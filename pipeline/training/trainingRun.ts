import { defaultIfEmpty, filter, identity, lastValueFrom, tap } from 'rxjs';
import type { StfConfig } from '../../model/index.js';
import {
  type Budget,
  batch,
  budgetStop,
  type Credits,
  consume,
  everySteps,
  failureBudget,
  flowCredits,
  isDiskTrouble,
  type JsonLines,
  orderedMap,
  type Patience,
  pull,
  type Recorder,
  type RecordingDraft,
  record,
  stallWatch,
  stopOn,
  ThroughputMeter,
} from '../../operators/index.js';
import type { ClipPair, SynthesisTask } from '../../workers/index.js';
import type { RunFolder } from '../run/runFolder.js';
import type { RunState } from '../run/runState.js';
import type { SamplePlan, Sampler } from '../sampler.js';
import { type FilledPosition, fillPosition, type SampleFailure, UnfilledPositionError } from './fillPosition.js';
import { assembleMicroBatch, type MicroBatch, sampleSeed } from './microBatch.js';
import type { Remedy } from './remedy.js';
import type { TrainActorClient } from './trainActorClient.js';
import { DivergedError, TrainingError } from './trainActorClient.js';
import type { TrainingPlan } from './trainingPlan.js';
import { type StepResult, TrainStep } from './trainStep.js';
import type { Validation, ValidationResult } from './validation.js';

/** Why a run ended, as summary.json says it. */
export type StopReason = 'finished' | 'max_steps' | 'budget' | 'signal' | 'failure_budget' | 'error';

export type TrainingRunParts = {
  config: StfConfig;
  phase: string;
  configSections: object;
  /** Which bytes the H.264 codec makes, where one is used. */
  codecDigest?: string;
  /** In what the products of the training step are computed to begin with. */
  effectiveDtype: 'float32' | 'bfloat16';
  plan: TrainingPlan;
  sampler: Pick<Sampler, 'plans' | 'stepsPerEpoch'>;
  validation?: Validation;
  actor: TrainActorClient;
  /** Makes one pair; bytes are moved to the caller. */
  synthesise: (task: SynthesisTask, signal: AbortSignal) => Promise<ClipPair>;
  taskOf: (plan: SamplePlan, clip: string) => SynthesisTask;
  threads: number;
  folder: RunFolder;
  sinks: { metrics: JsonLines; batches: JsonLines; quarantine: JsonLines };
  budget: Budget;
  /** Digest of the clips trained on, in their order. */
  clipsDigest?: string;
  /** Tries a write again that fails because a disk is full. */
  patience?: Pick<Patience, 'retry'>;
  /** Returns to earlier checkpoints so far. */
  remedies?: Remedy[];
  /** Told when no batch arrives for long, and when one does again. */
  stall?: { noticeMs: number; limitMs: number; onStall: (idleMs: number) => void; onResume: (idleMs: number) => void };
  /** Told when memory ran out and micro-batches are computed in more parts from now on. */
  onSplit?: (parts: number, step: number) => void;
  /** Told of every step whose loss or gradient was not finite, and which of so many in a row it is, from 1. */
  onSkip?: (result: StepResult, inARow: number) => void;
  /** Aborted by SIGINT or SIGTERM. */
  signal: AbortSignal;
  resumed?: RunState;
  /** Where micro-batches are recorded, and which. */
  recording?: {
    recorder: Recorder;
    describe: (micro: MicroBatch) => (RecordingDraft & { name: string }) | undefined;
  };
  /** Micro-batches to train on in place of those that the sampler plans; nothing is synthesised then. */
  recorded?: AsyncIterable<MicroBatch>;
  /** Told of every micro-batch, in order, before its bytes are moved to the train actor. */
  onMicro?: (micro: MicroBatch) => void;
  onStep: (result: StepResult, readiness: number) => void;
  onValidation: (result: ValidationResult, step: number, isBest: boolean) => void;
  /** Told when there is no money for a validation. */
  onUnaffordable?: (step: number) => void;
};

/** How often the budget is looked at while no step ends. */
const BUDGET_LOOK_MS = 1000;
/** What validating and saving took, times this, is kept of the budget for the end. */
const RESERVE_FACTOR = 1.5;
/** What saving is thought to take before it was timed. */
const SAVE_MS = 1000;

/**
 * The flow of a training run: sampler → pool → whole pairs → micro-batches → train actor → sinks. What is pulled from
 * the sampler is bounded by credits, which come back when a micro-batch has been trained on.
 */
export class TrainingRun {
  readonly meters = { synthesis: new ThroughputMeter(), training: new ThroughputMeter() };
  /** What the workers counted in the samples made so far. */
  readonly counters = new Map<string, number>();
  #state: RunState;
  /** Step of the checkpoint `last` on disk; undefined when none was written. */
  #savedStep: number | undefined;
  /** Something has happened that `last` does not know of. */
  #unsaved = false;
  #longest = { validation: 0, save: 0 };
  /** Step of the last validation that was left out for want of money. */
  #leftOut: number | undefined;
  #begun = performance.now();
  #cpu = process.cpuUsage();
  /** The micro-batch under way: a stopped flow forgets it, the last checkpoint must wait for it. */
  #underWay: Promise<unknown> = Promise.resolve();
  /** Failures of samples made ahead of the trainer, in order, and the counts of the step under way. */
  readonly #ahead: SampleFailure[] = [];
  #begunStep = { tried: 0, failed: 0 };
  readonly #trainStep: TrainStep;
  readonly #credits: Credits;
  readonly #checkpointDue: (stepsDone: number) => boolean;

  constructor(private readonly parts: TrainingRunParts) {
    const { config, phase, configSections, plan, sampler, resumed, threads } = parts;
    this.#trainStep = new TrainStep(parts.actor, config.grad_accum, config.seed, parts.signal, parts.onMicro);
    const ms = config.checkpoint_minutes * 60_000;
    this.#checkpointDue = everySteps({ steps: config.checkpoint_steps, ...(ms > 0 ? { ms } : {}) });
    // One credit a pair; one a micro-batch where they come from recordings.
    this.#credits = parts.recorded
      ? flowCredits({ concurrency: 1, queued: config.prefetch_batches })
      : flowCredits({ concurrency: threads, batchSize: config.batch_size / 2, queued: config.prefetch_batches });
    this.#state = resumed
      ? {
          ...resumed,
          quarantined: [...resumed.quarantined],
          effectiveDtype: parts.effectiveDtype,
          config: configSections,
          scheduleSteps: plan.scheduleSteps,
          ...(parts.remedies && parts.remedies.length > 0 ? { remedies: parts.remedies } : {}),
        }
      : {
          version: 1,
          phase,
          config: configSections,
          step: 0,
          epoch: 0,
          scheduleSteps: plan.scheduleSteps,
          stepsPerEpoch: sampler.stepsPerEpoch,
          best: null,
          spentUsd: 0,
          wallSeconds: 0,
          cpuSeconds: 0,
          samples: 0,
          failed: 0,
          skippedInARow: 0,
          validatedStep: 0,
          ...(parts.clipsDigest ? { clipsDigest: parts.clipsDigest } : {}),
          quarantined: [],
          ...(parts.codecDigest ? { codecDigest: parts.codecDigest } : {}),
          requestedDtype: config.amp_dtype,
          effectiveDtype: parts.effectiveDtype,
        };
    this.#savedStep = resumed?.step;
  }

  /** Notes in what the products of training steps are computed from now on. */
  computesIn(dtype: RunState['effectiveDtype']): void {
    this.#state.effectiveDtype = dtype;
    this.#unsaved = true;
  }

  /** Pairs that are made and not yet trained on. */
  get pairsAhead(): number {
    const { training, synthesis } = this.meters;
    return synthesis.snapshot().count - (training.snapshot().count * this.parts.config.batch_size) / 2;
  }

  /** The state as a checkpoint would store it now. */
  get state(): RunState {
    const { resumed, budget } = this.parts;
    const cpu = process.cpuUsage(this.#cpu);
    return {
      ...this.#state,
      spentUsd: budget.spent(),
      wallSeconds: (resumed?.wallSeconds ?? 0) + (performance.now() - this.#begun) / 1000,
      cpuSeconds: (resumed?.cpuSeconds ?? 0) + (cpu.user + cpu.system) / 1e6,
    };
  }

  /** Runs to the end and leaves a checkpoint `last`; after an error, only when clips and not the training failed. */
  async run(): Promise<StopReason> {
    const { plan, signal, resumed, recorded, recording, stall } = this.parts;
    let stopped: StopReason | undefined;
    const batches = recorded ? pull(recorded, this.#credits) : this.#microBatches();
    const train = consume(
      (micro: MicroBatch, _index, _signal, waiting) => (this.#underWay = this.#train(micro, waiting)),
      {
        credits: this.#credits,
        cost: (micro) => (recorded ? 1 : micro.ids.length),
        meter: this.meters.training,
      },
    );
    const flow = batches.pipe(
      recording ? record(recording.recorder, recording.describe) : identity,
      stall ? stallWatch(train, stall) : train,
      filter((result) => result !== undefined),
      budgetStop(
        this.parts.budget,
        () => {
          stopped ??= 'budget';
        },
        { everyMs: BUDGET_LOOK_MS },
      ),
      stopOn(signal, () => {
        stopped ??= 'signal';
      }),
      defaultIfEmpty(undefined),
    );
    try {
      if (plan.firstStep <= plan.lastStep) await lastValueFrom(flow);
      await this.#underWay;
    } catch (error) {
      // What was trained so far is none the worse for clips that cannot be read. The actor must be idle to save it.
      await this.#underWay.catch(() => {});
      for (const failure of this.#ahead.splice(0)) this.quarantine(failure);
      if (error instanceof UnfilledPositionError) for (const failure of error.failures) this.quarantine(failure);
      const untouched = !(error instanceof TrainingError) && !isDiskTrouble(error);
      if (untouched && this.#unsaved) await this.#save(['last']).catch(() => {}); // the first error counts
      throw error;
    }
    const reason = stopped ?? plan.endsBy;
    // A run that could not afford a single step cannot afford a validation either.
    const worthwhile = stopped === undefined || this.#state.step > (resumed?.step ?? 0);
    if (reason !== 'signal' && worthwhile) await this.#validate();
    if (this.#unsaved) await this.#save(['last']);
    return reason;
  }

  #microBatches() {
    const { sampler, plan, threads, config, taskOf, synthesise } = this.parts;
    const { max_count, max_rate, min_samples } = config.failures;
    return pull(sampler.plans(plan.firstStep, plan.lastStep), this.#credits).pipe(
      orderedMap(fillPosition(taskOf, synthesise), { concurrency: threads, meter: this.meters.synthesis }),
      tap((filled) => this.#note(filled)),
      failureBudget({
        maxCount: max_count,
        maxRate: max_rate,
        minSamples: min_samples,
        tally: ({ failures }: FilledPosition) => ({ tried: failures.length + 1, failed: failures.length }),
        before: { tried: this.#state.samples, failed: this.#state.failed },
      }),
      batch(config.batch_size / 2),
      orderedMap(
        (filled: FilledPosition[]) => {
          const { step, micro, key } = filled[0]!.plan;
          const pairs = filled.map(({ pair }) => pair);
          const failed = filled.reduce((sum, { failures }) => sum + failures.length, 0);
          const keys = filled.map((position) => position.plan.key);
          return assembleMicroBatch(pairs, { step, micro, epoch: key.epoch, keys, failed });
        },
        { concurrency: 1 },
      ),
    );
  }

  #note({ failures, pair }: FilledPosition): void {
    this.#ahead.push(...failures);
    for (const [name, count] of Object.entries(pair.counters))
      this.counters.set(name, (this.counters.get(name) ?? 0) + count);
  }

  /**
   * Counts the samples of a finished step. Not earlier: what the pool has made ahead of the trainer is no part of the
   * state that a checkpoint stores, and a resumed run will make and count it again.
   */
  #countStep(): void {
    const { tried, failed } = this.#begunStep;
    this.#begunStep = { tried: 0, failed: 0 };
    this.#state.samples += tried;
    this.#state.failed += failed;
    for (const failure of this.#ahead.splice(0, failed)) this.quarantine(failure);
  }

  /** Lists a clip once, however often it fails. */
  quarantine(failure: SampleFailure): void {
    if (this.#state.quarantined.includes(failure.clip)) return;
    this.#state.quarantined.push(failure.clip);
    // A failed write makes the flush before the next checkpoint fail, so nothing is lost silently.
    this.parts.sinks.quarantine.write(failure).catch(() => {});
  }

  async #train(micro: MicroBatch, waiting: () => MicroBatch | undefined): Promise<StepResult | undefined> {
    const { step, micro: index, ids, keys, sha256 } = micro;
    await this.parts.sinks.batches.write({ step, micro: index, clips: ids, seeds: keys.map(sampleSeed), sha256 });
    this.#begunStep.tried += ids.length + micro.failed;
    this.#begunStep.failed += micro.failed;
    const result = await this.#trainStep.take(micro, waiting);
    if (!result) return undefined;
    this.#countStep();
    this.#state.step = result.step;
    this.#state.epoch = result.epoch;
    this.#unsaved = true;
    if (result.parts > (this.#state.parts ?? 1)) {
      this.#state.parts = result.parts;
      this.parts.onSplit?.(result.parts, result.step);
    }
    await this.#writeMetrics(result);
    const skipped = result.skipped ? (this.#state.skippedInARow ?? 0) + 1 : 0;
    this.#state.skippedInARow = skipped;
    if (skipped > 0) this.parts.onSkip?.(result, skipped);
    const { val_every_epochs, failures } = this.parts.config;
    if (skipped >= failures.max_skips_in_a_row)
      throw new DivergedError(
        `loss or gradient was not finite in ${skipped} steps in a row, up to step ${result.step}`,
      );
    const { stepsPerEpoch } = this.parts.sampler;
    if (!this.parts.signal.aborted && result.step % (stepsPerEpoch * val_every_epochs) === 0) await this.#validate();
    if (this.#checkpointDue(result.step)) await this.#save(['last']);
    this.#trainStep.idle();
    return result;
  }

  async #writeMetrics(result: StepResult): Promise<void> {
    const { losses } = result;
    const { pair_loss_weight, frame_loss_weight } = this.parts.config;
    const { readiness } = this.meters.training.snapshot();
    await this.parts.sinks.metrics.write({
      step: result.step,
      epoch: result.epoch,
      loss: losses.total,
      ce: losses.ce,
      ...(pair_loss_weight > 0 ? { pair: losses.pair } : {}),
      ...(frame_loss_weight > 0 ? { frame: losses.frame } : {}),
      hll: losses.hll,
      gap: losses.gap,
      hll_real: losses.hllReal,
      hll_fake: losses.hllFake,
      hll_defined: losses.hllDefined,
      lr: result.lr,
      grad_norm: result.gradNorm,
      ...(result.skipped ? { skipped: true } : {}),
      clips: result.clips,
      step_ms: result.stepMs,
      data_wait_ms: result.dataWaitMs,
      ...(result.utilisation === undefined ? {} : { mfu: result.utilisation }),
      readiness,
      spent_usd: this.parts.budget.spent(),
      rss_mb: process.memoryUsage.rss() / 2 ** 20,
    });
    this.parts.onStep(result, readiness);
  }

  async #validate(): Promise<void> {
    const { validation, sinks, phase, onValidation } = this.parts;
    const { step, epoch } = this.#state;
    if (!validation || step === 0 || this.#state.validatedStep === step || this.#leftOut === step) return;
    const result = await this.#whileAffordable((signal) => validation.run(signal));
    if (!result) return;
    this.#state.validatedStep = step;
    this.#unsaved = true;
    const { auc, ap, eer, accuracy, inPair, pairs, ms, temperature, nll, nllUncalibrated: nll_uncalibrated } = result;
    this.#state.calibration = { temperature, pairs, nll, nll_uncalibrated, auc, step };
    const measures = { auc, ap, eer, accuracy, in_pair: inPair, temperature, nll, nll_uncalibrated };
    await sinks.metrics.write({ kind: 'val', step, epoch, ...measures, pairs, ms });
    const isBest = auc > (this.#state.best?.auc ?? Number.NEGATIVE_INFINITY);
    onValidation(result, step, isBest);
    this.#longest.validation = Math.max(this.#longest.validation, ms);
    if (!isBest) return;
    this.#state.best = { auc, step };
    await this.#save(['best', ...(phase === 'baseline' ? [] : [`phase_${phase}_best`])]);
  }

  /** Work that may be left out: until a signal comes, or no more money is left than saving takes. */
  async #whileAffordable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { signal, budget, onUnaffordable } = this.parts;
    const tooDear = new AbortController();
    const look = () => {
      const saving = RESERVE_FACTOR * (this.#longest.save || SAVE_MS);
      if (budget.hoursToEnd() * 3_600_000 < saving) tooDear.abort();
    };
    look();
    const timer = setInterval(look, BUDGET_LOOK_MS);
    try {
      if (!tooDear.signal.aborted) return await work(AbortSignal.any([signal, tooDear.signal]));
    } finally {
      clearInterval(timer);
      if (tooDear.signal.aborted) {
        this.#leftOut = this.#state.step;
        onUnaffordable?.(this.#state.step);
      }
    }
    return undefined;
  }

  /** Lines first, then the checkpoint: what a checkpoint remembers as done is then on disk. */
  async #save(names: string[]): Promise<void> {
    const { sinks, folder, actor, config, budget, patience = { retry: (work) => work() } } = this.parts;
    const begun = performance.now();
    await Promise.all(Object.values(sinks).map((sink) => sink.flush()));
    const isLast = names.includes('last');
    const older = { step: this.#savedStep, keep: config.keep_checkpoints };
    const state = this.state;
    await patience.retry(async () => {
      await folder.assertThere();
      await actor.save({ folder: folder.checkpoints, names, state, ...(isLast ? { older } : {}) });
    });
    this.#longest.save = Math.max(this.#longest.save, performance.now() - begun);
    const { validation, save } = this.#longest;
    budget.reserveAtLeast((RESERVE_FACTOR * (validation + save)) / 3_600_000);
    if (!isLast) return;
    this.#savedStep = state.step;
    this.#unsaved = false;
  }
}
