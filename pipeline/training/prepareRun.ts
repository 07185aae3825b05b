import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, type Preset, readCheckpoint, resolveConfig, type StfConfig, toSections } from '../../model/index.js';
import { type CodecChoice, chooseCodec } from '../../workers/index.js';
import { type DataRoot, openDataRoot } from '../data/dataRoot.js';
import { identitiesOf } from '../data/sharedBetweenSplits.js';
import { readSplits, type Splits } from '../data/splits.js';
import { dryRunData } from '../demo/dryRunData.js';
import { Console, type LogFormat } from '../progress.js';
import { projectFolder } from '../projectFolder.js';
import { planRecording, type RecordOptions, type RecordPlan } from '../recording/recordPlan.js';
import { RunFolder } from '../run/runFolder.js';
import { RunLock } from '../run/runLock.js';
import { type RunState, runStateOf } from '../run/runState.js';
import { UserError } from '../userError.js';
import { readNewest } from './readNewest.js';
import { checkResumable } from './resumeCheck.js';

/** The options of the train command, as parsed. */
export type TrainOptions = RecordOptions & {
  config?: string;
  phase: Preset;
  set: string[];
  dataRoot?: string;
  out?: string;
  resume?: string;
  /** Checkpoint whose weights a new run begins with. */
  init?: string;
  /** Whether attention layers of Phase A are to begin Mamer blocks of Phase B. */
  initAliases?: boolean;
  epochs?: number;
  maxSteps?: number;
  budget?: number;
  gpu?: string;
  engine?: string;
  workers?: number;
  seed?: number;
  dryRun?: boolean;
  /** Port to serve the report on. */
  watch?: number;
  keep?: number;
  onFinish?: string;
  logFormat: LogFormat;
  /** The words of the command line, for whoever wants to go on with the run. */
  command?: readonly string[];
};

/** A checkpoint to go on from, and what is wrong with newer ones. */
export type Resumed = { file: string; state: RunState; passedOver?: string[] };

/** All that a run needs to know before anything is started; every mistake of the user's has been found by now. */
export type PreparedRun = {
  options: TrainOptions;
  config: StfConfig;
  /** `config` in the layout of a YAML file. */
  sections: object;
  data: DataRoot;
  splits: Splits;
  /** Real clips to train and to validate on. */
  ids: { train: string[]; val: string[] };
  /** Who is seen in a clip, as far as the splits tell: else somebody else in each. */
  personIn: (clip: string) => string;
  folder: RunFolder;
  resumed: Resumed | undefined;
  /** Checkpoint whose weights to begin with. */
  transfer: string | undefined;
  record: RecordPlan | undefined;
  /** What makes H.264, where the configuration asks for any. */
  codec: CodecChoice | undefined;
  log: Console;
  /** Removes what was made for this run only. */
  dispose(): Promise<void>;
};

/**
 * Checks options, configuration, data and the run's folder, and says what will be done.
 * @throws UserError, ConfigError, CheckpointError with all that is wrong.
 */
export async function prepareRun(options: TrainOptions): Promise<PreparedRun> {
  const log = new Console(options.logFormat);
  const { config, warnings } = await configure(options);
  const dry = options.dryRun ? await dryRunData(config) : undefined;
  let lock: RunLock | undefined;
  const dispose = async () => {
    await lock?.release();
    await dry?.remove();
  };
  try {
    const dataRoot = dry?.path ?? config.data_root;
    if (!dataRoot) throw new UserError('--data-root: expected a folder of face crops, received none');
    const data = await openDataRoot(dataRoot);
    const splits = await readSplits(data.path, join(projectFolder, 'splits'));
    const ids = realClips(splits);
    const personIn = personsOf(splits);
    if (config.mixed_frames && ids.train.length < config.num_frames)
      throw new UserError(
        `data.mixed_frames: expected at least ${config.num_frames} real clips to train on, one for each frame of a sample, but there are ${ids.train.length}`,
      );
    for (const split of ['train', 'val'] as const)
      if (config.sbi.exchange_prob > 0 && new Set(ids[split].map(personIn)).size === 1)
        throw new UserError(
          `sbi.exchange_prob: expected real clips of at least 2 people in split ${split}, since a face is taken from another person, but there is 1`,
        );
    const folder = await RunFolder.at(options.out ?? (dry ? join(dry.path, 'run') : await defaultFolder(options)));
    lock = await RunLock.take(folder.path, { say: (text) => log.info(text) });
    const { resumed, transfer, notes } = await beginning(folder, options, config, ids.train);
    const record = await planRecording(options, folder.file('recorded'), options.resume !== undefined);
    const codec = config.use_compression_aug ? await chooseCodec(config.sbi.codec) : undefined;
    log.info(describe(config));
    for (const text of warnings) log.warn(text);
    if (codec) sayCodec(log, codec, resumed?.state);
    for (const text of resumed?.passedOver ?? []) log.warn(text);
    if (resumed?.passedOver?.length) log.warn(`going on from the checkpoint before: ${resumed.file}`);
    for (const text of notes) log.info(text);
    const sections = toSections(config);
    return {
      options,
      config,
      sections,
      data,
      splits,
      ids,
      personIn,
      folder,
      resumed,
      transfer,
      record,
      codec,
      log,
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function sayCodec(log: Console, { name, version, x264, digest, reason }: CodecChoice, before?: RunState): void {
  const text = `codec ${name} ${version}${x264 ? ` (x264 ${x264})` : ''}: ${reason}`;
  if (name === 'jpeg') log.warn(`${text}; clips are compressed as JPEG in place of H.264`);
  else log.info(text);
  if (before?.codecDigest !== undefined && before.codecDigest !== (digest ?? name))
    log.warn(
      'the codec makes other bytes than that of the checkpoint: the remaining batches differ from an unbroken run',
    );
}

async function configure(options: TrainOptions): Promise<{ config: StfConfig; warnings: string[] }> {
  const overrides = [...options.set];
  const option = (setting: string, value: unknown) => {
    if (value !== undefined) overrides.push(`${setting}=${value}`);
  };
  option('data.data_root', options.dataRoot);
  option('training.num_epochs', options.epochs ?? (options.dryRun ? 2 : undefined));
  option('training.max_budget', options.budget);
  option('training.keep_checkpoints', options.keep);
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

/** `runs/<time>-<phase>`; with `--resume auto` the newest such folder that has a checkpoint. */
async function defaultFolder({ resume, phase }: TrainOptions): Promise<string> {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  const latest = resume === 'auto' ? await RunFolder.latest('runs', `-${phase}`) : undefined;
  return latest ?? join('runs', `${stamp}-${phase}`);
}

function personsOf({ clips }: Splits): (clip: string) => string {
  const persons = new Map(
    [...clips.train, ...clips.val].map((entry) => [entry.id, identitiesOf(entry)[0] ?? entry.id]),
  );
  return (clip) => persons.get(clip) ?? clip;
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

type Beginning = Pick<PreparedRun, 'resumed' | 'transfer'> & { notes: string[] };

/** Whether the run begins anew, goes on exactly, or begins with the weights of another run. */
async function beginning(
  folder: RunFolder,
  options: TrainOptions,
  config: StfConfig,
  trainIds: readonly string[],
): Promise<Beginning> {
  const { phase, resume, init } = options;
  if (resume === 'auto') {
    const newest = await readNewest(await folder.resumable());
    if (newest) return goOn(newest, options, config, trainIds);
  }
  if (options.initAliases) checkAliases(options);
  if (resume !== undefined && resume !== 'auto' && init !== undefined)
    throw new UserError('--init: expected no --resume <file> beside it; give the file to one of the two');
  const file = resume === 'auto' ? init : (resume ?? init);
  const { state } = file === undefined ? { state: null } : await readCheckpoint(file);
  // Without a phase it is no state of a run, which is said below; it must not pass for one of another phase.
  const goesOn =
    file !== undefined &&
    file === resume &&
    state !== null &&
    (typeof state.phase !== 'string' || state.phase === phase);
  // Only a run that goes on may write into its folder; any other beginning would wipe the logs that lie there.
  if (!(goesOn && inside(folder, file)) && resume !== 'auto' && (await folder.holdsRun()))
    throw new UserError(`${folder.path} holds a run already; give --resume auto to go on with it, or another --out`);
  if (file === undefined) return { resumed: undefined, transfer: undefined, notes: [] };
  if (goesOn && options.initAliases)
    throw new UserError(
      `--init-aliases: ${file} is of the same phase, so the run goes on with all of it; leave the option out`,
    );
  if (goesOn) return goOn({ file, state: runStateOf(state, file) }, options, config, trainIds);
  return { resumed: undefined, transfer: file, notes: [`beginning with the weights of ${file}`] };
}

/** @throws UserError where there are no Mamer blocks to begin, or nothing to begin them with */
function checkAliases({ phase, resume, init }: TrainOptions): void {
  if (phase !== 'b') throw new UserError(`--init-aliases: expected --phase b, received ${phase}`);
  if (init === undefined && (resume === undefined || resume === 'auto'))
    throw new UserError(
      '--init-aliases: expected --init <file> or --resume <file> of Phase A beside it, received neither',
    );
}

function goOn(
  resumed: Resumed,
  { phase, set }: Pick<TrainOptions, 'phase' | 'set'>,
  config: StfConfig,
  trainIds: readonly string[],
): Beginning {
  const differences = checkResumable(resumed.file, resumed.state, phase, config, trainIds, set);
  return { resumed, transfer: undefined, notes: differences.map((text) => `changed since the checkpoint: ${text}`) };
}

/** In the run's folder of checkpoints, or below it. */
const inside = (folder: RunFolder, file: string) => `${resolve(dirname(file))}/`.startsWith(`${folder.checkpoints}/`);
