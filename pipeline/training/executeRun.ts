import { Budget, JsonLines } from '../../operators/index.js';
import { SynthesisPool } from '../../workers/index.js';
import { EXIT, exitCodeOf } from '../exitCodes.js';
import { type Console, duration, type Progress } from '../progress.js';
import { RunRecorder } from '../recording/runRecorder.js';
import { describeComputation, describeRun } from '../run/describeRun.js';
import { StopSignal } from '../run/stopSignal.js';
import { Sampler } from '../sampler.js';
import { SynthesisTasks } from '../synthesisTasks.js';
import type { PreparedRun } from './prepareRun.js';
import { RunViews } from './runViews.js';
import { TrainActorClient } from './trainActorClient.js';
import { planTraining, type TrainingPlan } from './trainingPlan.js';
import { type StopReason, TrainingRun, type TrainingRunParts } from './trainingRun.js';
import { Validation } from './validation.js';

/** A worker that has been at one clip for so long hangs: it is ended and the clip tried again. */
const TASK_TIMEOUT_MS = 120_000;

/**
 * Starts actor, pool and sinks, runs the flow to its end and leaves summary.json, whatever the end was.
 * @returns the process's exit code.
 */
export async function executeRun(prepared: PreparedRun): Promise<number> {
  const { options, config, splits, ids, folder, resumed, codec, log } = prepared;
  const pairsPerMicro = config.batch_size / 2;
  const sampler = new Sampler({ ids: ids.train, seed: config.seed, pairsPerMicro, gradAccum: config.grad_accum });
  const plan = planTraining(config, sampler, options, resumed?.state);
  for (const text of plan.warnings) log.warn(text);

  const stop = new StopSignal();
  const actor = new TrainActorClient((note) => log.warn(note));
  const pool = new SynthesisPool({
    threads: config.num_workers || 'auto',
    taskTimeoutMs: TASK_TIMEOUT_MS,
    onTuning: ({ threads, reason }) => log.info(`${threads} workers from now on: ${reason}`),
  });
  const threads = pool.maxThreads;
  const budget = new Budget({
    costPerHour: config.cost_per_hour,
    maxBudget: config.max_budget,
    spentBefore: resumed?.state.spentUsd ?? 0,
    reserveHours: config.budget_reserve_hours,
  });
  let run: TrainingRun | undefined;
  let sinks: TrainingRunParts['sinks'] | undefined;
  let recorder: RunRecorder | undefined;
  let views: RunViews | undefined;
  let reason: StopReason = 'error';
  let failure: unknown;
  try {
    const following = await RunViews.open({
      ...{ folder: folder.path, stepsDone: plan.firstStep - 1, plannedSteps: plan.lastStep, log, pool },
      ...(options.watch === undefined ? {} : { watch: options.watch }),
    });
    views = following;
    const { engine, computation, parameters, notes } = await actor.start({
      config,
      stepsPerEpoch: sampler.stepsPerEpoch,
      totalSteps: plan.scheduleSteps,
      ...(resumed ? { resume: resumed.file } : {}),
      ...(prepared.transfer ? { transfer: prepared.transfer } : {}),
    });
    for (const note of notes) log.info(note);
    log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
    log.info(describeComputation(config.amp_dtype, computation));
    log.info(
      `${parameters.toLocaleString('en')} parameters; ${ids.train.length} clips to train on, ${ids.val.length} to validate; ${pool.threads} workers; steps ${plan.firstStep} to ${plan.lastStep}, ${sampler.stepsPerEpoch} an epoch`,
    );
    // Without a checkpoint an interrupted run begins anew, and so do its logs.
    await folder.rewindTo(resumed?.state ?? { step: 0, quarantined: [] });
    if (resumed) log.info(`resuming after step ${resumed.state.step} from ${resumed.file}`);
    const description = await describeRun(prepared, engine, computation, parameters);
    await folder.writeJson('config.json', description);
    const open = (name: string) => JsonLines.open(folder.file(name));
    sinks = {
      metrics: await open('metrics.jsonl'),
      batches: await open('batches.jsonl'),
      quarantine: await open('quarantine.jsonl'),
    };
    const tasks = new SynthesisTasks(config, prepared.data, codec?.name);
    if (prepared.record)
      recorder = await RunRecorder.open(prepared.record, log, (planned, clip) => tasks.training(planned, clip), {
        phase: options.phase,
        config: prepared.sections,
        steps_per_epoch: sampler.stepsPerEpoch,
        schedule_steps: plan.scheduleSteps,
        codec: description.codec,
      });
    const report = stepReporter(log, plan, budget, config.cost_per_hour > 0 ? config.max_budget : 0, () => ({
      ...following.progress(),
      stopping: stop.signal.aborted,
    }));
    const current: TrainingRun = new TrainingRun({
      ...{ config, plan, sampler, actor, threads, folder, sinks, budget },
      phase: options.phase,
      configSections: prepared.sections,
      ...(codec ? { codecDigest: codec.digest ?? codec.name } : {}),
      validation: new Validation({
        ids: ids.val,
        pairs: config.val_pairs,
        taskOf: (id, position) => tasks.validation(id, position),
        run: (task, signal) => pool.run(task, { signal }),
        threads,
        pairsPerBatch: pairsPerMicro,
        actor,
        onFailure: (failed) => current.quarantine(failed),
      }),
      synthesise: (task, signal) => pool.run(task, { signal }),
      taskOf: (planned, clip) => tasks.training(planned, clip),
      signal: stop.signal,
      ...(recorder ? { recording: recorder } : {}),
      ...(resumed ? { resumed: resumed.state } : {}),
      onMicro: (micro) => following.onMicro(micro),
      onStep: (result, readiness) => {
        report(result, readiness);
        following.onStep(result, readiness);
        const { count, waitMs } = current.meters.training.snapshot();
        pool.observe({ pairs: count * pairsPerMicro, waitMs });
      },
      onValidation: (result, step, isBest) => {
        const { auc, ap, eer, pairs } = result;
        following.onValidation(result, step, isBest);
        log.info(
          `validation after step ${step}: AUC ${auc.toFixed(4)}, AP ${ap.toFixed(4)}, EER ${eer.toFixed(4)} on ${pairs} self-blended pairs${isBest ? ' (best so far)' : ''}`,
          { kind: 'val', step, auc, ap, eer },
        );
      },
    });
    run = current;
    following.follow(current);
    if (plan.firstStep > plan.lastStep) log.info('nothing left to do: the run has reached its last step');
    reason = await run.run();
  } catch (error) {
    failure = error;
    if (exitCodeOf(error) === EXIT.samples) reason = 'failure_budget';
  }
  log.settle();
  await pool.destroy();
  await actor.close();
  stop.release();
  await recorder?.close();
  const closing = await Promise.allSettled(Object.values(sinks ?? {}).map((sink) => sink.close()));
  failure ??= closing.find((result) => result.status === 'rejected')?.reason;
  if (run)
    try {
      const recorded = recorder ? { recorded: recorder.summary } : {};
      await folder.writeJson('summary.json', { ...views?.summary(reason, failure), ...recorded });
      log.info(farewell(run, reason));
    } catch (error) {
      failure ??= error;
    }
  await views?.close();
  if (failure !== undefined) throw failure;
  log.info(`${splits.clips.test.length} test clips untouched; checkpoints in ${folder.checkpoints}`);
  return stop.exitCode ?? EXIT.done;
}

/** Turns step results into the progress line. */
export function stepReporter(
  log: Console,
  plan: Pick<TrainingPlan, 'firstStep' | 'lastStep'>,
  budget: Budget,
  maxBudget: number,
  more: () => Partial<Progress> = () => ({}),
): TrainingRunParts['onStep'] {
  const begun = performance.now();
  let clips = 0;
  return ({ step, epoch, losses, lr, gradNorm, clips: trained }, readiness) => {
    clips += trained;
    const seconds = (performance.now() - begun) / 1000;
    const perStep = seconds / (step - plan.firstStep + 1);
    log.progress(
      () => ({
        ...{ step, epoch, lr, readiness, maxBudget, gradNorm },
        totalSteps: plan.lastStep,
        loss: losses.total,
        clipsPerSecond: clips / seconds,
        spentUsd: budget.spent(),
        secondsLeft: Math.min((plan.lastStep - step) * perStep, budget.hoursLeft() * 3600),
        rssMb: process.memoryUsage.rss() / 2 ** 20,
        ...more(),
      }),
      step === plan.lastStep,
    );
  };
}

function farewell({ state }: TrainingRun, reason: StopReason): string {
  const best = state.best ? `${state.best.auc.toFixed(4)} at step ${state.best.step}` : '–';
  return `stopped (${reason}) after step ${state.step}; best AUC ${best}; ${duration(state.wallSeconds)}, $${state.spentUsd.toFixed(3)}; ${state.quarantined.length} clips in quarantine`;
}
