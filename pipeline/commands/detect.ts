import { Command, InvalidArgumentError, Option } from 'commander';
import { DETECT_DEFAULTS } from '../detection/detect.js';
import { type DetectCommandOptions, runDetection } from '../detection/runDetection.js';
import { parseCommand, runCommand } from '../exitCodes.js';
import { logFormatOption } from './logFormatOption.js';
import { wholeNumber } from './optionValues.js';

const probability = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('expected a number between 0 and 1.');
  return value;
};

const { clips, threshold, batch, seed, workers, size, minFace } = DETECT_DEFAULTS;

const detectCommand = new Command('node pipeline/detect.js')
  .description('Judges videos: how probable is it that their faces were manipulated, and how sure is that?')
  .argument('<videos...>', 'files, folders, patterns, or CSV manifests with a column "file"')
  .requiredOption('--checkpoint <file>', 'a .safetensors file that training wrote')
  .option(
    '--out <folder>',
    'where the results go (default: <video>-verdict in the current folder; for several videos: verdicts)',
  )
  .option(
    '--clips <n>',
    'clips judged of each face, spread over the video; fewer where it is short',
    wholeNumber(1),
    clips,
  )
  .option('--threshold <p>', 'from which probability on a face counts as manipulated', probability, threshold)
  .option('--main-face', 'the main face alone, the one that is largest for longest')
  .option('--min-face <n>', 'faces with a smaller side are passed over, pixels of the video', wholeNumber(8), minFace)
  .option('--size <n>', 'side of the crops, pixels: as the training data was cut', wholeNumber(32), size)
  .option('--config <file>', 'YAML file, for a checkpoint that carries no configuration or to replace its own')
  .addOption(
    new Option('--engine <name>', 'what runs the model')
      .choices(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm'])
      .default('auto'),
  )
  .option(
    '--workers <n>',
    'videos looked through at once; 0: one per core, less one, at most 4',
    wholeNumber(0),
    workers,
  )
  .option('--batch <n>', 'clips in the network at once; fewer take less memory', wholeNumber(1), batch)
  .option('--seed <n>', 'seed of the bootstrap', wholeNumber(0), seed)
  .option('--json', 'print verdict.json in place of the verdict; for several videos a list')
  .addOption(logFormatOption())
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/detect.js talk.mp4 --checkpoint runs/a/checkpoints/best.safetensors
  node pipeline/detect.js incoming/ 'more/*.webm' --checkpoint runs/a/checkpoints/best.safetensors --out verdicts

One video: verdict.html (a page that needs no other file) and verdict.json. Several, or a folder: verdicts.csv (a row per
face: file,face,probability,low,high,clips,verdict,note), index.html, and both files for each video in videos/.
A verdict is "likely manipulated", "no sign found" or "undecided", where the interval over clips spans the threshold.
It is no proof: the page says what the number means and what not.
Needs \`npm run setup -- --faces\` once. Exit codes: 0 every video got a verdict or "no face found"; 2 wrong input, or no
video could be judged; 3 some could not; 4 the network failed; 130/143 stopped by a signal.`,
  )
  .action((videos: string[], options: DetectCommandOptions) => runCommand(() => runDetection(videos, options)));

await parseCommand(detectCommand);
