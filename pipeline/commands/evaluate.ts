import { Command, Option } from 'commander';
import { SPLIT_NAMES } from '../data/splits.js';
import { type EvaluateOptions, runEvaluation } from '../evaluation/runEvaluation.js';
import { parseCommand, runCommand } from '../exitCodes.js';
import { logFormatOption } from './logFormatOption.js';
import { wholeNumber } from './optionValues.js';

/** `a,b` and `a b` alike. */
const names = (text: string, all: string[] = []) => [
  ...all,
  ...text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
];

const evaluateCommand = new Command('node pipeline/evaluate.js')
  .description('Scores the real and fake videos of a split with a trained detector: figures, CSV, JSON and a page.')
  .requiredOption('--checkpoint <file>', 'a .safetensors file that training wrote')
  .requiredOption('--data-root <folder>', 'folder of <id>_crops.npz and <id>_landmarks.npz, with labels (see below)')
  .addOption(new Option('--split <name>', 'which videos').choices([...SPLIT_NAMES]).default('test'))
  .option('--methods <a,b...>', 'only the fakes of these methods; the reals stay', names)
  .option('--out <folder>', "where the results go (default: evaluation-<split> in the run's folder)")
  .option('--clips <n>', 'evenly placed clips a video, whose mean is its score', wholeNumber(1), 4)
  .option('--full-report', 'print everything on the terminal: all intervals, one clip, HLL statistics')
  .option('--config <file>', 'YAML file, for a checkpoint that carries no configuration or to replace its own')
  .addOption(
    new Option('--engine <name>', 'what runs the model')
      .choices(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm'])
      .default('auto'),
  )
  .option('--workers <n>', 'threads that read videos; 0: one per core, less one, at most 4', wholeNumber(0), 0)
  .option('--batch <n>', 'clips in the network at once; fewer take less memory', wholeNumber(1), 4)
  .option('--seed <n>', 'seed of the bootstrap', wholeNumber(0), 0)
  .option('--json', 'print evaluation.json in place of the table')
  .addOption(logFormatOption())
  .addHelpText(
    'after',
    `
Example:
  node pipeline/evaluate.js --checkpoint runs/a/checkpoints/phase_a_best.safetensors --data-root /data/ffpp \\
    --split test --methods Deepfakes,Face2Face --full-report

Labels: manifest.csv in the data root, with columns id,split,label (0 real, 1 fake) and, better, method,pair_group (a
fake and the original it was made from share a pair_group). Or splits/test.json with FaceForensics++'s pairs, and fakes
named <method>_<target>_<source>, e.g. Deepfakes_071_054_crops.npz.

Writes evaluation.json, evaluation.csv (a row per video) and evaluation.html. Videos that cannot be used are listed and
scored 0.5. Exit codes: 0 done, 2 wrong input, 4 the network failed, 130/143 stopped by a signal, nothing written.`,
  )
  .action((options: EvaluateOptions) => runCommand(() => runEvaluation(options)));

await parseCommand(evaluateCommand);
