import { Command, InvalidArgumentError, Option } from 'commander';
import { PREPROCESS_DEFAULTS } from '../../workers/index.js';
import { SPLIT_NAMES, type SplitName } from '../data/splits.js';
import { parseCommand, runCommand } from '../exitCodes.js';
import { runPreprocess } from '../preprocessing/runPreprocess.js';
import { wholeNumber } from './optionValues.js';

type PreprocessCommandOptions = {
  out: string;
  runs: number;
  frames: number;
  size: number;
  smooth: number;
  minFace: number;
  allFaces?: boolean;
  split: SplitName;
  label: '0' | '1';
  workers: number;
  maxFailed: number;
};

const atLeastZero = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected a number of at least 0.');
  return value;
};

const share = (text: string): number => {
  const value = atLeastZero(text);
  if (value > 1) throw new InvalidArgumentError('expected a share from 0 to 1.');
  return value;
};

const { runs, frames, size, smooth, leastSide } = PREPROCESS_DEFAULTS;

const preprocessCommand = new Command('node pipeline/preprocess.js')
  .description('Finds the faces in videos and cuts them into a data root: crops and landmarks that training reads.')
  .argument('<videos...>', 'files, folders, patterns, or CSV manifests with a column "file"')
  .requiredOption('--out <folder>', 'the data root; a call that was broken off goes on here')
  .option('--runs <n>', 'runs of contiguous frames from each video', wholeNumber(1), runs)
  .option('--frames <n>', 'frames of a run', wholeNumber(2), frames)
  .option(
    '--size <n>',
    'side of the crops, pixels; smaller faces are not enlarged but have more around them',
    wholeNumber(32),
    size,
  )
  .option('--smooth <frames>', 'standard deviation of the smoothing of landmarks over time', atLeastZero, smooth)
  .option('--min-face <n>', 'faces with a smaller side are passed over, pixels of the video', wholeNumber(8), leastSide)
  .option('--all-faces', 'every face that stays, not only the main one; <id>_face2 and so on')
  .addOption(
    new Option('--split <name>', 'split of videos that no manifest names').choices([...SPLIT_NAMES]).default('train'),
  )
  .addOption(
    new Option('--label <0|1>', 'label of videos that no manifest names: 0 real, 1 fake')
      .choices(['0', '1'])
      .default('0'),
  )
  .option('--workers <n>', 'threads; 0: one per core', wholeNumber(0), 0)
  .option('--max-failed <share>', 'stop when more than this share of the videos gives nothing', share, 0.5)
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/preprocess.js talk.mp4 more/ 'news/*.mkv' --out /data/crops
  node pipeline/preprocess.js videos.csv --out /data/crops --workers 8

A CSV manifest has a column file (relative to the manifest) and may have id, split, label, method, pair_group, identity,
collection.
A run never spans a cut between scenes; the main face is the one that is largest for longest. With --all-faces every face
of a video takes the video's label.
Writes <id>_crops.npz, <id>_landmarks.npz, manifest.csv, contact-sheet.png (look at it!), preprocess.jsonl (what is
finished and what it cost) and quarantine.jsonl (what gave nothing, and why).
Needs \`npm run setup -- --faces\` once. Exit codes: 0 done, 2 wrong input, 3 no crops or too many failures, 130/143
stopped by a signal; the same call goes on.`,
  )
  .action((videos: string[], options: PreprocessCommandOptions) => runCommand(() => preprocess(videos, options)));

function preprocess(videos: string[], options: PreprocessCommandOptions): Promise<number> {
  const { out, split, label, workers, maxFailed, minFace, allFaces = false, runs, frames, size, smooth } = options;
  return runPreprocess(videos, {
    ...{ out, workers, maxFailed },
    defaults: { split, label: label === '1' ? 1 : 0 },
    cutting: { runs, frames, size, smooth, leastSide: minFace, allFaces },
    say: (line) => process.stderr.write(`${line}\n`),
  });
}

await parseCommand(preprocessCommand);
