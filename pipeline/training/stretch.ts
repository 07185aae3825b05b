import type { StfConfig } from '../../model/index.js';
import { type Budget, JsonLines, type Patience } from '../../operators/index.js';
import type { SynthesisPool } from '../../workers/index.js';
import type { DataWatch } from '../data/dataWatch.js';
import { RunRecorder } from '../recording/runRecorder.js';
import { describeComputation, describeRun } from '../run/describeRun.js';
import type { RunEvents } from '../run/runEvents.js';
import type { RunState } from '../run/runState.js';
import type { Sampler } from '../sampler.js';
import { SynthesisTasks } from '../synthesisTasks.js';
import type { CallClock } from './callClock.js';
import type { PreparedRun, Resumed } from './prepareRun.js';
import { describeRemedy, remedied } from './remedy.js';
import { checkNumerics, digestOfClips } from './resumeCheck.js';
import type { RunViews } from './runViews.js';
import { skipReporter } from './skipReporter.js';
import type { Computation } from './trainActor.js';
import { TrainActorClient } from './trainActorClient.js';
import type { TrainingPlan } from './trainingPlan.js';
import { type StopReason, TrainingRun, type TrainingRunParts } from './trainingRun.js';
import { Validation } from './validation.js';

/** What all stretches of a run share. */
export type Machinery = {
  prepared: PreparedRun;
  sampler: Sampler;
  pool: SynthesisPool;
  budget: Budget;
  patience: Patience;
  data: DataWatch;
  events: RunEvents;
  stall: NonNullable<TrainingRunParts['stall']>;
  stop: AbortSignal;
  views: RunViews;
  report: TrainingRunParts['onStep'];
};

/**
 * A run from one checkpoint (or its beginning) on, with one actor and one set of settings. A run that has to go back to
 * an earlier checkpoint takes more than one.
 */
export class Stretch {
  readonly #actor: TrainActorClient;
  readonly #config: StfConfig;
  #sinks: TrainingRunParts['sinks'] | undefined;
  #run: TrainingRun | undefined;
  #recorder: RunRecorder | undefined;
  #closing: Promise<unknown> | undefined;
  /** Writes config.json. */
  #describe: ((computation: Computation) => Promise<{ codec: object }>) | undefined;

  constructor(
    private readonly machinery: Machinery,
    private readonly plan: TrainingPlan,
    private readonly resumed: Resumed | undefined,
  ) {
    const { log } = machinery.prepared;
    this.#actor = new TrainActorClient(
      (note) => log.warn(note),
      (computation) => this.#computesBy(computation),
    );
    this.#config = remedied(machinery.prepared.config, resumed?.state.remedies?.length ?? 0);
  }

  /** The run, once it has begun. */
  get current(): TrainingRun | undefined {
    return this.#run;
  }

  /** Of the train actor. */
  get calls(): CallClock {
    return this.#actor.calls;
  }

  get recorder(): RunRecorder | undefined {
    return this.#recorder;
  }

  /** Starts the actor, brings the run's folder to the state of the checkpoint and builds the flow. */
  async begin(): Promise<void> {
    const { prepared, sampler, patience } = this.machinery;
    const { folder, log, ids } = prepared;
    const { plan, resumed } = this;
    const config = this.#config;
    const { remedies = [], parts } = resumed?.state ?? {};
    const { engine, computation, parameters, notes } = await this.#actor.start({
      config,
      stepsPerEpoch: sampler.stepsPerEpoch,
      totalSteps: plan.scheduleSteps,
      ...(remedies.length > 0 ? { warmupFrom: remedies.at(-1)!.fromStep } : {}),
      ...(parts === undefined ? {} : { parts }),
      ...(resumed ? { resume: resumed.file } : {}),
      ...(prepared.transfer ? { transfer: prepared.transfer, aliases: prepared.options.initAliases ?? false } : {}),
    });
    if (resumed) {
      const { dtype, reason: dtypeReason } = computation.precision;
      const now = { dtype, dtypeReason, codec: prepared.codec };
      checkNumerics(resumed.file, resumed.state, now, prepared.options.set);
    }
    for (const note of notes) log.info(note);
    if (remedies.length > 0)
      log.info(`after ${remedies.length} returns to an earlier checkpoint: ${describeRemedy(config)}`);
    log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
    log.info(describeComputation(config.amp_dtype, computation));
    log.info(
      `${parameters.toLocaleString('en')} parameters; ${ids.train.length} clips to train on, ${ids.val.length} to validate; ${this.machinery.pool.threads} workers; steps ${plan.firstStep} to ${plan.lastStep}, ${sampler.stepsPerEpoch} an epoch`,
    );
    // Before the logs are cut: should the process be killed between the two, `last` must not be ahead of them.
    if (resumed && resumed.file !== folder.last) await this.#makeLast(resumed.state);
    // Without a checkpoint an interrupted run begins anew, and so do its logs.
    await folder.rewindTo(resumed?.state ?? { step: 0, quarantined: [] });
    if (resumed) log.info(`resuming after step ${resumed.state.step} from ${resumed.file}`);
    this.#describe = async (computation) => {
      const description = await describeRun(prepared, engine, computation, parameters, remedies);
      await folder.writeJson('config.json', description);
      return description;
    };
    const { codec } = await this.#describe(computation);
    const open = (name: string) => JsonLines.open(folder.file(name), { patience });
    this.#sinks = {
      metrics: await open('metrics.jsonl'),
      batches: await open('batches.jsonl'),
      quarantine: await open('quarantine.jsonl'),
    };
    const tasks = new SynthesisTasks(config, prepared.data, prepared.codec?.name, prepared.ids, prepared.personIn);
    if (prepared.record)
      this.#recorder = await RunRecorder.open(prepared.record, log, (planned, clip) => tasks.training(planned, clip), {
        phase: prepared.options.phase,
        config: prepared.sections,
        steps_per_epoch: sampler.stepsPerEpoch,
        schedule_steps: plan.scheduleSteps,
        codec,
      });
    this.#run = new TrainingRun({
      ...this.#parts(tasks, this.#sinks),
      effectiveDtype: computation.precision.dtype,
    });
    this.machinery.views.follow(this.#run);
    // A disk that takes no checkpoint is better known now than in an hour; and there is one to go back to from step 1 on.
    if (!resumed) await this.#makeLast(this.#run.state);
    if (plan.firstStep > plan.lastStep) log.info('nothing left to do: the run has reached its last step');
  }

  run(): Promise<StopReason> {
    return this.#run!.run();
  }

  /** Ends the actor and closes the logs; returns what went wrong with them, if anything. Closing twice is closing once. */
  close(): Promise<unknown> {
    this.#closing ??= (async () => {
      await this.#actor.close();
      await this.#recorder?.close();
      const closing = await Promise.allSettled(Object.values(this.#sinks ?? {}).map((sink) => sink.close()));
      return closing.find((result) => result.status === 'rejected')?.reason;
    })();
    return this.#closing;
  }

  /** Says in the log, in config.json and in checkpoints to come how steps are computed from now on. */
  async #computesBy(computation: Computation): Promise<void> {
    this.machinery.prepared.log.warn(describeComputation(this.#config.amp_dtype, computation));
    this.#run?.computesIn(computation.precision.dtype);
    await this.#describe?.(computation);
  }

  #parts(tasks: SynthesisTasks, sinks: TrainingRunParts['sinks']): Omit<TrainingRunParts, 'effectiveDtype'> {
    const { prepared, sampler, pool, budget, patience, data, events, stall, stop, report, views } = this.machinery;
    const { folder, log, ids, codec, options } = prepared;
    const config = this.#config;
    const actor = this.#actor;
    const threads = pool.maxThreads;
    const pairsPerMicro = config.batch_size / 2;
    const synthesise = data.guard((task: Parameters<typeof pool.run>[0], signal: AbortSignal) =>
      pool.run(task, { signal }),
    );
    return {
      ...{ config, plan: this.plan, sampler, actor, threads, folder, sinks, budget, patience, stall, synthesise },
      phase: options.phase,
      configSections: prepared.sections,
      clipsDigest: digestOfClips(ids.train),
      ...(this.resumed?.state.remedies ? { remedies: this.resumed.state.remedies } : {}),
      ...(codec ? { codecDigest: codec.digest ?? codec.name } : {}),
      validation: new Validation({
        ids: ids.val,
        pairs: config.val_pairs,
        taskOf: (id, position) => tasks.validation(id, position),
        run: synthesise,
        threads,
        pairsPerBatch: pairsPerMicro,
        actor,
        onFailure: (failed) => this.#run!.quarantine(failed),
      }),
      taskOf: (planned, clip) => tasks.training(planned, clip),
      signal: stop,
      ...(this.#recorder ? { recording: this.#recorder } : {}),
      ...(this.resumed ? { resumed: this.resumed.state } : {}),
      onMicro: (micro) => views.onMicro(micro),
      onStep: (result, readiness) => {
        report(result, readiness);
        views.onStep(result, readiness);
        const { count, waitMs } = this.#run!.meters.training.snapshot();
        pool.observe({ pairs: count * pairsPerMicro, waitMs });
      },
      onSplit: (parts, step) =>
        events.warn(
          'out_of_memory',
          `step ${step}: memory ran out; micro-batches of ${config.batch_size} clips are computed in ${parts} parts from now on, with the same mean over all of them`,
          { step, parts },
        ),
      onSkip: skipReporter(events),
      onUnaffordable: (step) =>
        events.warn(
          'budget',
          `the validation of step ${step} is left out: the money ends, and there is a checkpoint to save`,
          {
            step,
          },
        ),
      onValidation: (result, step, isBest) => {
        const { auc, ap, eer, inPair, pairs } = result;
        views.onValidation(result, step, isBest);
        log.info(
          `validation after step ${step}: AUC ${auc.toFixed(4)}, AP ${ap.toFixed(4)}, EER ${eer.toFixed(4)}, right in ${(100 * inPair).toFixed(0)} % of pairs, on ${pairs} self-blended pairs${isBest ? ' (best so far)' : ''}`,
          { kind: 'val', step, auc, ap, eer, in_pair: inPair },
        );
      },
    };
  }

  /** Makes the state that the actor has taken from another checkpoint the newest one. */
  async #makeLast(state: RunState): Promise<void> {
    const { prepared, patience } = this.machinery;
    // What lies there now is of no use to this run: it is replaced, not kept.
    const older = { step: undefined, keep: this.#config.keep_checkpoints };
    const request = { folder: prepared.folder.checkpoints, names: ['last'], state, older };
    await patience.retry(() => this.#actor.save(request));
  }
}
