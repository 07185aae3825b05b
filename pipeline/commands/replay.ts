import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { attempt, listRecordings, RecordingError, readRecording } from '../../operators/index.js';
import { type ClipSource, mapOtherSources, SynthesisPool, type SynthesisTask } from '../../workers/index.js';
import type { SheetStrip } from '../contactSheet/pictureSheet.js';
import { openDataRoot } from '../data/dataRoot.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { Console, type LogFormat } from '../progress.js';
import { type BatchHeader, batchOfRecording, type RecordedBatch } from '../recording/recordedBatch.js';
import type { RecordingPlace } from '../recording/recordedSteps.js';
import { drawRecordingSheet, stripsOf } from '../recording/recordingSheet.js';
import { type RecordingRow, rowOf, tableHead, tableLine } from '../recording/recordingTable.js';
import { inRange, type StepRange } from '../recording/stepRange.js';
import { type TrainOnRecordingsOptions, trainOnRecordings } from '../recording/trainOnRecordings.js';
import { describeDifference, statusOf, verifyBatch } from '../recording/verifyBatch.js';
import { attemptOptions } from '../training/fillPosition.js';
import { sampleSeed } from '../training/microBatch.js';
import { UserError } from '../userError.js';
import { logFormatOption } from './logFormatOption.js';
import { stepRange, wholeNumber } from './optionValues.js';

/** Pairs on a sheet. */
const SHEET_PAIRS = 8;

type ReplayOptions = TrainOnRecordingsOptions & {
  steps?: StepRange;
  verify?: boolean;
  dataRoot?: string;
  workers?: number;
  sheet?: string;
  train?: boolean;
  json?: boolean;
  logFormat: LogFormat;
};

const replayCommand = new Command('node pipeline/replay.js')
  .description('Loads micro-batches that `train --record` has kept, and checks every byte against its checksum.')
  .argument('<path>', 'a recording (.msgpack), or a folder of them')
  .option('--steps <A..B>', 'only these optimiser steps: A..B, A.., ..B or A', stepRange)
  .option('--verify', 'make every pair again from its recipe and compare the bytes')
  .option('--data-root <folder>', 'where the face crops lie, if not where they lay when recorded')
  .option('--workers <n>', 'workers that make pairs again; 0: one per core, less one', wholeNumber(0), 0)
  .option('--sheet <png>', `draw recorded pairs over time: real, fake, difference (at most ${SHEET_PAIRS} pairs)`)
  .option('--train', 'train on the recordings in place of the workers; by default as the recorded run did')
  .option('--config <file>', 'with --train: settings of a YAML file in place of the recorded ones')
  .addOption(
    new Option('--phase <phase>', 'with --train: settings of a phase in place of the recorded ones').choices([
      'baseline',
      'a',
      'b',
    ]),
  )
  .option(
    '--set <section.key=value>',
    'with --train: one setting; may be repeated',
    (value, all: string[]) => [...all, value],
    [],
  )
  .option('--out <folder>', "with --train: the run's folder (default: runs/<time>-replay)")
  .option('--max-steps <n>', 'with --train: number of optimiser steps', wholeNumber(1))
  .option('--resume <file>', 'with --train: a checkpoint to begin with; its steps are left out')
  .addOption(
    new Option('--engine <name>', 'with --train: what runs the model').choices([
      'auto',
      'tensorflow',
      'tensorflow-cuda',
      'wasm',
    ]),
  )
  .option('--json', 'print one JSON object in place of the table')
  .addOption(logFormatOption())
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/train.js --data-root /data/crops --out runs/a --record --record-steps 1..20
  node pipeline/replay.js runs/a/recorded --verify
  node pipeline/replay.js runs/a/recorded/step-000012-micro-0.msgpack --sheet step12.png
  node pipeline/replay.js runs/a/recorded --train --out runs/a-again

Exit codes: 0 all whole (and the same, with --verify), 2 wrong input, a damaged recording or one that cannot be made
again, 4 training failed.`,
  )
  .action((path: string, options: ReplayOptions) => runCommand(() => replay(path, options)));

async function replay(path: string, options: ReplayOptions): Promise<number> {
  checkOptions(options);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const files = await listRecordings(path);
  const rebuilder = options.verify ? await openRebuilder(options) : undefined;
  const rows: RecordingRow[] = [];
  const places: RecordingPlace[] = [];
  const strips: SheetStrip<'real' | 'fake' | 'difference'>[] = [];
  let first: Pick<BatchHeader, 'run' | 'shape'> | undefined;
  let shown = 0;
  if (!options.json) print(tableHead());
  try {
    for (const file of files) {
      const batch = await load(file);
      if ('error' in batch) {
        rows.push(batch);
        if (!options.json) print(tableLine(batch));
        continue;
      }
      const { step, micro } = batch.header;
      if (options.steps && !inRange(options.steps, step)) continue;
      const row = rowOf(batch, batch.micro.keys.map(sampleSeed));
      if (rebuilder) {
        row.verdict = await verifyBatch(batch, rebuilder.rebuild);
        row.status = statusOf(row.verdict);
      }
      rows.push(row);
      if (!options.json) {
        print(tableLine(row));
        for (const difference of row.verdict?.differences ?? []) print(`  ${describeDifference(difference)}`);
        for (const { clip, reason } of row.verdict?.failures ?? [])
          print(`  clip ${clip} cannot be made again: ${reason}`);
      }
      places.push({ file, step, micro });
      first ??= { run: batch.header.run, shape: batch.header.shape };
      shown += batch.tasks.length;
      if (options.sheet && strips.length < SHEET_PAIRS) strips.push(...stripsOf(batch));
    }
  } finally {
    await rebuilder?.close();
  }

  const count = (status: RecordingRow['status']) => rows.filter((row) => row.status === status).length;
  const totals = { damaged: count('damaged'), differing: count('differs'), failed: count('failed') };
  const sound = Object.values(totals).every((number) => number === 0);
  if (options.json) print(JSON.stringify({ path, verified: Boolean(rebuilder), ...totals, recordings: rows }));
  else {
    print(summaryLine(rows, totals, Boolean(rebuilder)));
    if (totals.differing > 0 && first) print(codecNote(first.run.codec));
  }
  if (options.sheet) {
    const drawn = strips.slice(0, SHEET_PAIRS);
    if (drawn.length === 0)
      throw new UserError(`--sheet: expected at least one whole recording in ${path}, found none`);
    await drawRecordingSheet(drawn, options.sheet, `Recorded pairs, ${drawn.length} of ${shown}`);
    if (!options.json) print(`drawn: ${options.sheet}`);
  }
  if (!options.train) return sound ? EXIT.done : EXIT.input;
  if (!sound) throw new UserError('--train: expected whole recordings, see above');
  if (!first) throw new UserError(`--train: no recording in ${path} is of the steps asked for`);
  return trainOnRecordings(places, first, options, new Console(options.logFormat));
}

/** A recorded micro-batch, or the row of a file that is none. */
async function load(file: string): Promise<RecordedBatch | (RecordingRow & { error: string })> {
  try {
    return batchOfRecording(file, await readRecording(file));
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return { file, status: 'damaged', error: error.message, offset: error.offset };
  }
}

/** Makes pairs again in worker threads, from where they lay or from another data root. */
async function openRebuilder({ dataRoot, workers }: ReplayOptions) {
  const data = dataRoot === undefined ? undefined : await openDataRoot(dataRoot);
  const pool = new SynthesisPool({ threads: workers || Math.max(1, availableParallelism() - 1) });
  const place = (one: ClipSource) => (data ? data.locate(one.id) : one);
  const moved = (task: SynthesisTask): SynthesisTask => ({
    ...task,
    ...{ source: place(task.source), ...mapOtherSources(task, place) },
  });
  // As in training: a worker that died or hung may have had bad luck.
  const rebuild = async (task: SynthesisTask) => {
    const outcome = await attempt(moved(task), (asked, signal) => pool.run(asked, { signal }), attemptOptions);
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  };
  return { rebuild, close: () => pool.destroy() };
}

function checkOptions({ verify, dataRoot, train, ...others }: ReplayOptions): void {
  if (dataRoot !== undefined && !verify) throw new UserError('--data-root: expected --verify beside it');
  const training = ['config', 'phase', 'out', 'maxSteps', 'resume', 'engine'] as const;
  const lonely = training.find((name) => others[name] !== undefined) ?? (others.set.length > 0 ? 'set' : undefined);
  if (lonely !== undefined && !train)
    throw new UserError(`--${lonely === 'maxSteps' ? 'max-steps' : lonely}: expected --train beside it`);
}

/** H.264 is the one stage whose bytes depend on what is installed. */
function codecNote(codec: object): string {
  return `recorded with codec ${JSON.stringify(codec)}; another build of an encoder makes other bytes`;
}

function summaryLine(
  rows: readonly RecordingRow[],
  { damaged, differing, failed }: { damaged: number; differing: number; failed: number },
  verified: boolean,
): string {
  const megabytes = rows.reduce((sum, { bytes = 0 }) => sum + bytes, 0) / 1e6;
  const whole = rows.length - damaged;
  return [
    `${whole} of ${rows.length} recordings whole, ${megabytes.toFixed(1)} MB of clips`,
    ...(verified ? [`${whole - differing - failed} made again, byte for byte`] : []),
    ...(differing > 0 ? [`${differing} differ`] : []),
    ...(failed > 0 ? [`${failed} could not be made again`] : []),
  ].join('; ');
}

await parseCommand(replayCommand);
