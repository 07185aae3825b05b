import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  describe,
  type EngineInfo,
  type Preset,
  readCheckpoint,
  resolveConfig,
  type StfConfig,
  toSections,
} from '../../model/index.js';
import { Budget, JsonLines } from '../../operators/index.js';
import { SynthesisPool } from '../../workers/index.js';
import { openDataRoot } from '../data/dataRoot.js';
import { readSplits, type Splits } from '../data/splits.js';
import { dryRunData } from '../demo/dryRunData.js';
import { EXIT, exitCodeOf, parseCommand, runCommand } from '../exitCodes.js';
import { Console, duration, type LogFormat } from '../progress.js';
import { projectFolder } from '../projectFolder.js';
import { RunFolder } from '../run/runFolder.js';
import type { RunState } from '../run/runState.js';
import { StopSignal } from '../run/stopSignal.js';
import { versions } from '../run/versions.js';
import { Sampler } from '../sampler.js';
import { SynthesisTasks } from '../synthesisTasks.js';
import { checkResumable } from '../training/resumeCheck.js';
import { TrainActorClient } from '../training/trainActorClient.js';
import { planTraining } from '../training/trainingPlan.js';
import { type StopReason, TrainingRun } from '../training/trainingRun.js';
import { Validation } from '../training/validation.js';
import { UserError } from '../userError.js';

type TrainOptions = {
  config?: string;
  phase: Preset;
  set: string[];
  dataRoot?: string;
  out?: string;
  resume?: string;
  epochs?: number;
  maxSteps?: number;
  budget?: number;
  gpu?: string;
  engine?: string;
  workers?: number;
  seed?: number;
  dryRun?: boolean;
  logFormat: LogFormat;
};

const wholeNumber = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number of at least ${least}.`);
  return value;
};
const money = (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected an amount in US dollars.');
  return value;
};

const trainCommand = new Command('node pipeline/train.js')
  .description('Trains a deepfake-video detector on face crops: real clips in, self-blended fakes made on the way.')
  .option('--config <file>', 'YAML file with settings, e.g. configs/v8_4090.yaml')
  .addOption(
    new Option('--phase <phase>', 'baseline: V7.3; a: with corrected loss and augmentation; b: V8.0')
      .choices(['baseline', 'a', 'b'])
      .default('a'),
  )
  .option('--set <section.key=value>', 'one setting; may be repeated', (value, all: string[]) => [...all, value], [])
  .option('--data-root <folder>', 'folder of <id>_crops.npz and <id>_landmarks.npz')
  .option('--out <folder>', "the run's folder (default: runs/<time>-<phase>)")
  .option('--resume <auto|file>', 'auto: go on from the last checkpoint in --out, if there is one')
  .option('--epochs <n>', 'number of epochs', wholeNumber(1))
  .option('--max-steps <n>', 'number of optimiser steps', wholeNumber(1))
  .option('--budget <usd>', 'stop before this much is spent', money)
  .option('--gpu <name>', 'the machine that is paid for, e.g. "RTX 4090"')
  .addOption(
    new Option('--engine <name>', 'what runs the model').choices(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm']),
  )
  .option('--workers <n>', 'augmentation workers; 0: one per core, less one', wholeNumber(0))
  .option('--seed <n>', 'seed of everything random', wholeNumber(0))
  .option('--dry-run', 'two short epochs on made-up clips through the whole flow')
  .addOption(new Option('--log-format <format>', 'how to log').choices(['pretty', 'json']).default('pretty'))
  .addHelpText(
    'after',
    `
Example:
  node pipeline/train.js --config configs/v8_4090.yaml --phase a --data-root /data/crops --budget 2.50 --out runs/a

The run's folder holds config.json, metrics.jsonl, batches.jsonl, quarantine.jsonl, summary.json and checkpoints/.
Exit codes: 0 done, 2 wrong input, 3 too many unusable clips, 4 training failed, 130/143 stopped with a checkpoint.`,
  )
  .action((options: TrainOptions) => runCommand(() => train(options)));

async function configure(options: TrainOptions): Promise<{ config: StfConfig; warnings: string[] }> {
  const overrides = [...options.set];
  const option = (setting: string, value: unknown) => {
    if (value !== undefined) overrides.push(`${setting}=${value}`);
  };
  option('data.data_root', options.dataRoot);
  option('training.num_epochs', options.epochs ?? (options.dryRun ? 2 : undefined));
  option('training.max_budget', options.budget);
  option('engine.name', options.engine);
  option('data.num_workers', options.workers);
  option('training.seed', options.seed);
  let yaml: { text: string; file: string } | undefined;
  if (options.config) {
    const text = await readFile(options.config, 'utf8').catch((error: Error) => {
      throw new UserError(`--config: cannot read ${options.config}: ${error.message}`);
    });
    yaml = { text, file: options.config };
  }
  return resolveConfig({
    preset: options.phase,
    ...(options.gpu ? { gpu: options.gpu } : {}),
    ...(yaml ? { yaml } : {}),
    overrides,
  });
}

/** Ids to train and validate on: the real clips of the splits. @throws UserError when a split is empty. */
function realClips(splits: Splits): { train: string[]; val: string[] } {
  const real = (name: 'train' | 'val') => {
    const ids = splits.clips[name].filter(({ label }) => label === 0).map(({ id }) => id);
    if (ids.length === 0)
      throw new UserError(
        `${splits.source}: the split "${name}" has no real clips; expected at least one row with label 0`,
      );
    return ids;
  };
  return { train: real('train'), val: real('val') };
}

/** What is switched on in the configuration but not part of this version; the run says so and goes on without. */
function notYet(config: StfConfig): string[] {
  const missing = [
    config.use_compression_aug && 'features.use_compression_aug (H.264): clips are compressed as JPEG only',
    config.use_multiscale_drift && 'features.use_multiscale_drift: masks drift as in V7.3',
    config.vfr_prob > 0 && 'sbi.vfr_prob: frame rates stay as they are',
    (config.blend_weights.poisson > 0 || config.blend_weights.laplacian > 0) &&
      'sbi.blend_weights: all blends are alpha blends',
  ];
  return missing.filter((text) => text !== false).map((text) => `not available in this version: ${text}`);
}

async function resumePoint(
  folder: RunFolder,
  options: TrainOptions,
  config: StfConfig,
): Promise<{ file: string; state: RunState; notes: string[] } | undefined> {
  const file = options.resume === 'auto' ? await folder.lastCheckpoint() : options.resume;
  if (!file) {
    if (!options.resume && (await folder.holdsRun()))
      throw new UserError(`${folder.path} holds a run already; give --resume auto to go on with it, or another --out`);
    return undefined;
  }
  const state = (await readCheckpoint(file)).state as RunState | null;
  if (!state) throw new UserError(`--resume: ${file} holds weights only; expected a checkpoint that a run wrote`);
  return { file, state, notes: checkResumable(file, state, options.phase, config) };
}

async function train(options: TrainOptions): Promise<number> {
  const log = new Console(options.logFormat);
  const { config, warnings } = await configure(options);
  const dry = options.dryRun ? await dryRunData(config) : undefined;
  try {
    const dataRoot = dry?.path ?? config.data_root;
    if (!dataRoot) throw new UserError('--data-root: expected a folder of face crops, received none');
    const data = await openDataRoot(dataRoot);
    const splits = await readSplits(data.path, join(projectFolder, 'splits'));
    const ids = realClips(splits);
    const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
    const out = options.out ?? (dry ? join(dry.path, 'run') : join('runs', `${stamp}-${options.phase}`));
    const folder = await RunFolder.at(out);
    const sections = toSections(config);
    const resumed = await resumePoint(folder, options, config);
    log.info(describe(config));
    for (const text of [...warnings, ...notYet(config)]) log.warn(text);
    for (const text of resumed?.notes ?? []) log.info(`changed since the checkpoint: ${text}`);
    return await runTraining({ options, config, sections, data, splits, ids, folder, resumed, log });
  } finally {
    await dry?.remove();
  }
}

type Prepared = {
  options: TrainOptions;
  config: StfConfig;
  sections: object;
  data: Awaited<ReturnType<typeof openDataRoot>>;
  splits: Splits;
  ids: { train: string[]; val: string[] };
  folder: RunFolder;
  resumed: { file: string; state: RunState } | undefined;
  log: Console;
};

async function runTraining(prepared: Prepared): Promise<number> {
  const { options, config, sections, data, splits, ids, folder, resumed, log } = prepared;
  const threads = config.num_workers || Math.max(1, availableParallelism() - 1);
  const pairsPerMicro = config.batch_size / 2;
  const sampler = new Sampler({ ids: ids.train, seed: config.seed, pairsPerMicro, gradAccum: config.grad_accum });
  const plan = planTraining(config, sampler, options, resumed?.state);
  for (const text of plan.warnings) log.warn(text);

  const stop = new StopSignal();
  const actor = new TrainActorClient();
  const pool = new SynthesisPool({ threads });
  const budget = new Budget({
    costPerHour: config.cost_per_hour,
    maxBudget: config.max_budget,
    spentBefore: resumed?.state.spentUsd ?? 0,
    reserveHours: config.budget_reserve_hours,
  });
  let run: TrainingRun | undefined;
  let sinks: Record<'metrics' | 'batches' | 'quarantine', JsonLines> | undefined;
  let reason: StopReason = 'error';
  let failure: unknown;
  try {
    const { engine, parameters } = await actor.start({
      config,
      stepsPerEpoch: sampler.stepsPerEpoch,
      totalSteps: plan.scheduleSteps,
      ...(resumed ? { resume: resumed.file } : {}),
    });
    log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
    log.info(
      `${parameters.toLocaleString('en')} parameters; ${ids.train.length} clips to train on, ${ids.val.length} to validate; ${threads} workers; steps ${plan.firstStep} to ${plan.lastStep}, ${sampler.stepsPerEpoch} an epoch`,
    );
    // Without a checkpoint an interrupted run begins anew, and so do its logs.
    await folder.rewindTo(resumed?.state ?? { step: 0, quarantined: [] });
    if (resumed) log.info(`resuming after step ${resumed.state.step} from ${resumed.file}`);
    await folder.writeJson('config.json', await describeRun(prepared, engine, parameters, threads));
    const open = (name: string) => JsonLines.open(folder.file(name));
    sinks = {
      metrics: await open('metrics.jsonl'),
      batches: await open('batches.jsonl'),
      quarantine: await open('quarantine.jsonl'),
    };
    const tasks = new SynthesisTasks(config, data);
    const begun = performance.now();
    let clips = 0;
    const current: TrainingRun = new TrainingRun({
      config,
      phase: options.phase,
      configSections: sections,
      plan,
      sampler,
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
      actor,
      synthesise: (task, signal) => pool.run(task, { signal }),
      taskOf: (planned, clip) => tasks.training(planned, clip),
      threads,
      folder,
      sinks,
      budget,
      signal: stop.signal,
      ...(resumed ? { resumed: resumed.state } : {}),
      onStep: ({ step, epoch, losses, lr, clips: trained }, readiness) => {
        clips += trained;
        const seconds = (performance.now() - begun) / 1000;
        const perStep = seconds / (step - plan.firstStep + 1);
        log.progress(
          {
            step,
            totalSteps: plan.lastStep,
            epoch,
            loss: losses.total,
            lr,
            clipsPerSecond: clips / seconds,
            readiness,
            spentUsd: budget.spent(),
            maxBudget: config.cost_per_hour > 0 ? config.max_budget : 0,
            secondsLeft: Math.min((plan.lastStep - step) * perStep, budget.hoursLeft() * 3600),
          },
          step === plan.lastStep,
        );
      },
      onValidation: ({ auc, ap, eer, pairs }, step, isBest) =>
        log.info(
          `validation after step ${step}: AUC ${auc.toFixed(4)}, AP ${ap.toFixed(4)}, EER ${eer.toFixed(4)} on ${pairs} self-blended pairs${isBest ? ' (best so far)' : ''}`,
          { kind: 'val', step, auc, ap, eer },
        ),
    });
    run = current;
    if (plan.firstStep > plan.lastStep) log.info('nothing left to do: the run has reached its last step');
    reason = await run.run();
  } catch (error) {
    failure = error;
    if (exitCodeOf(error) === EXIT.samples) reason = 'failure_budget';
  }
  await pool.destroy();
  await actor.close();
  stop.release();
  const closing = await Promise.allSettled(Object.values(sinks ?? {}).map((sink) => sink.close()));
  failure ??= closing.find((result) => result.status === 'rejected')?.reason;
  if (run) await summarise(prepared, run, reason, log).catch((error) => (failure ??= error));
  if (failure !== undefined) throw failure;
  log.info(`${splits.clips.test.length} test clips untouched; checkpoints in ${folder.checkpoints}`);
  return stop.exitCode ?? EXIT.done;
}

async function describeRun(
  { options, config, sections, data, splits, ids }: Prepared,
  engine: EngineInfo,
  parameters: number,
  threads: number,
): Promise<object> {
  return {
    phase: options.phase,
    description: describe(config),
    config: sections,
    parameters,
    seed: config.seed,
    engine,
    dtype: { requested: config.amp_dtype, effective: 'float32' },
    codec: { jpeg: 'libjpeg-turbo', h264: null },
    not_available: notYet(config),
    workers: threads,
    data: { root: data.path, splits: splits.source, train: ids.train.length, val: ids.val.length },
    ...(await versions()),
  };
}

async function summarise({ folder }: Prepared, run: TrainingRun, reason: StopReason, log: Console): Promise<void> {
  const { state, meters } = run;
  const training = meters.training.snapshot();
  const synthesis = meters.synthesis.snapshot();
  await folder.writeJson('summary.json', {
    stop_reason: reason,
    steps: state.step,
    epochs: state.step / state.stepsPerEpoch,
    best: state.best,
    spent_usd: state.spentUsd,
    readiness: training.readiness,
    samples: state.samples,
    failed_samples: state.failed,
    quarantined: state.quarantined,
    wall_seconds: state.wallSeconds,
    cpu_seconds: state.cpuSeconds,
    peak_rss_mb: process.resourceUsage().maxRSS / 1024,
    stages: { synthesis, training },
  });
  log.info(
    `stopped (${reason}) after step ${state.step}; best AUC ${state.best ? `${state.best.auc.toFixed(4)} at step ${state.best.step}` : '–'}; ${duration(state.wallSeconds)}, $${state.spentUsd.toFixed(3)}; ${state.quarantined.length} clips in quarantine`,
  );
}

await parseCommand(trainCommand);
