import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type Preset, readCheckpoint, resolveConfig, type StfConfig, toSections } from '../../model/index.js';
import { Budget, JsonLines } from '../../operators/index.js';
import { EXIT, exitCodeOf } from '../exitCodes.js';
import type { Console } from '../progress.js';
import { describeComputation, describeEngine } from '../run/describeRun.js';
import { RunFolder } from '../run/runFolder.js';
import { RunLock } from '../run/runLock.js';
import { type RunState, runStateOf } from '../run/runState.js';
import { StopSignal } from '../run/stopSignal.js';
import { versions } from '../run/versions.js';
import { RunViews } from '../training/runViews.js';
import { stepReporter } from '../training/stepReporter.js';
import type { Computation } from '../training/trainActor.js';
import { TrainActorClient } from '../training/trainActorClient.js';
import { type StopReason, TrainingRun, type TrainingRunParts } from '../training/trainingRun.js';
import { UserError } from '../userError.js';
import type { BatchHeader } from './recordedBatch.js';
import { planRecordedSteps, type RecordingPlace, recordedMicroBatches } from './recordedSteps.js';

export type TrainOnRecordingsOptions = {
  config?: string;
  phase?: Preset;
  set: string[];
  out?: string;
  maxSteps?: number;
  engine?: string;
  resume?: string;
};

/**
 * Trains on recorded micro-batches in place of the workers'. Without options it repeats the recorded run: its
 * configuration, seed and learning-rate schedule, and so, from step 1 on, its losses to the last bit.
 *
 * @param first the header of the first recording, of which run they are
 * @returns the process's exit code
 * @throws UserError, ConfigError, CheckpointError, RecordingError, TrainingError
 */
export async function trainOnRecordings(
  places: readonly RecordingPlace[],
  first: Pick<BatchHeader, 'run' | 'shape'>,
  options: TrainOnRecordingsOptions,
  log: Console,
): Promise<number> {
  const { config, warnings } = await configure(first, options);
  for (const text of warnings) log.warn(text);
  checkShape(first, config);
  const resumed = options.resume ? await readState(options.resume) : undefined;
  const ahead = places.filter(({ step }) => step > (resumed?.step ?? 0));
  const { steps, files, incomplete } = planRecordedSteps(ahead, config.grad_accum, options.maxSteps);
  if (incomplete.length > 0)
    log.warn(
      `left out, since not all ${config.grad_accum} of their micro-batches are recorded: steps ${incomplete.join(', ')}`,
    );
  const [firstStep, lastStep] = [steps[0], steps.at(-1)];
  if (firstStep === undefined || lastStep === undefined)
    throw new UserError(
      `--train: expected at least one whole step of ${config.grad_accum} micro-batches${resumed ? ` after step ${resumed.step}` : ''}, found none`,
    );
  if (firstStep !== (resumed?.step ?? 0) + 1)
    log.warn(
      `the first recorded step is ${firstStep}, but the weights are those of step ${resumed?.step ?? 0}: losses will not be those of the recorded run`,
    );
  const folder = await RunFolder.at(options.out ?? join('runs', `${stamp()}-replay`));
  if (await folder.holdsRun()) throw new UserError(`${folder.path} holds a run already; give another --out`);
  const lock = await RunLock.take(folder.path, { say: (text) => log.info(text) });

  const { phase: recordedPhase, steps_per_epoch: stepsPerEpoch, schedule_steps: scheduleSteps } = first.run;
  const phase = options.phase ?? recordedPhase;
  const stop = new StopSignal();
  let describeNow: ((computation: Computation) => Promise<void>) | undefined;
  const actor = new TrainActorClient(
    (note) => log.warn(note),
    async (computation) => {
      log.warn(describeComputation(config.amp_dtype, computation));
      run?.computesIn(computation.precision.dtype);
      await describeNow?.(computation);
    },
  );
  const budget = new Budget({ costPerHour: config.cost_per_hour, maxBudget: 0 });
  let sinks: TrainingRunParts['sinks'] | undefined;
  let run: TrainingRun | undefined;
  let reason: StopReason = 'error';
  let failure: unknown;
  const views = await RunViews.open({ folder: folder.path, stepsDone: firstStep - 1, plannedSteps: lastStep, log });
  try {
    const { engine, computation, parameters } = await actor.start({
      ...{ config, stepsPerEpoch, totalSteps: scheduleSteps },
      ...(options.resume ? { resume: options.resume } : {}),
    });
    log.info(describe(config));
    log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
    log.info(describeComputation(config.amp_dtype, computation));
    log.info(`${steps.length} recorded steps, ${firstStep} to ${lastStep}, into ${folder.path}`);
    describeNow = async (computation) =>
      folder.writeJson('config.json', {
        ...{ phase, description: describe(config), config: toSections(config), parameters, seed: config.seed },
        ...describeEngine(config, engine, computation),
        codec: first.run.codec,
        replayed: files,
        ...(await versions()),
      });
    await describeNow(computation);
    const open = (name: string) => JsonLines.open(folder.file(name));
    sinks = {
      metrics: await open('metrics.jsonl'),
      batches: await open('batches.jsonl'),
      quarantine: await open('quarantine.jsonl'),
    };
    const report = stepReporter(log, { firstStep, lastStep }, budget, 0);
    run = new TrainingRun({
      ...{ config, phase, actor, folder, sinks, budget },
      configSections: toSections(config),
      effectiveDtype: computation.precision.dtype,
      plan: { firstStep, lastStep, scheduleSteps, endsBy: 'finished', warnings: [] },
      recorded: recordedMicroBatches(files),
      ...NOTHING_SYNTHESISED,
      sampler: { stepsPerEpoch, *plans() {} },
      signal: stop.signal,
      ...(resumed ? { resumed } : {}),
      onMicro: (micro) => views.onMicro(micro),
      onStep: (result, readiness) => {
        report(result, readiness);
        views.onStep(result, readiness);
      },
      onValidation: () => {},
    });
    views.follow(run);
    reason = await run.run();
  } catch (error) {
    failure = error;
    if (exitCodeOf(error) === EXIT.samples) reason = 'failure_budget';
  }
  log.settle();
  await actor.close();
  stop.release();
  const closing = await Promise.allSettled(Object.values(sinks ?? {}).map((sink) => sink.close()));
  failure ??= closing.find((result) => result.status === 'rejected')?.reason;
  if (run) await folder.writeJson('summary.json', views.summary(reason, failure));
  await views.close();
  await lock.release();
  if (failure !== undefined) throw failure;
  log.info(`stopped (${reason}) after step ${run?.state.step}; checkpoints in ${folder.checkpoints}`);
  return stop.exitCode ?? EXIT.done;
}

const refuseSynthesis = () => {
  throw new Error('nothing is synthesised when recordings are replayed');
};
const NOTHING_SYNTHESISED = { synthesise: refuseSynthesis, taskOf: refuseSynthesis, threads: 1 };

const stamp = () => new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');

/** The recorded configuration, unless another is asked for; `--set` and `--engine` apply to either. */
async function configure(
  { run }: Pick<BatchHeader, 'run'>,
  { config: file, phase, set, engine }: TrainOnRecordingsOptions,
): Promise<{ config: StfConfig; warnings: string[] }> {
  const overrides = engine === undefined ? set : [...set, `engine.name=${engine}`];
  if (file === undefined && phase === undefined) return resolveConfig({ object: run.config, overrides });
  const yaml = file && {
    file,
    text: await readFile(file, 'utf8').catch((error: Error) => {
      throw new UserError(`--config: cannot read ${file}: ${error.message}`);
    }),
  };
  return resolveConfig({ preset: phase ?? (run.phase as Preset), ...(yaml ? { yaml } : {}), overrides });
}

function checkShape({ shape }: Pick<BatchHeader, 'shape'>, { num_frames, img_size }: StfConfig): void {
  const [, frames, height, width] = shape;
  if (frames !== num_frames || height !== img_size || width !== img_size)
    throw new UserError(
      `--train: the recorded clips are ${frames} frames of ${width} × ${height}, but the configuration expects ${num_frames} of ${img_size} × ${img_size}`,
    );
}

async function readState(file: string): Promise<RunState> {
  const { state } = await readCheckpoint(file);
  if (!state) throw new UserError(`--resume: ${file} holds weights only; expected a checkpoint that a run wrote`);
  return runStateOf(state, file);
}
