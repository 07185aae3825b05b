import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, exitCodeOf, parseCommand, runCommand } from '../exitCodes.js';
import { withGpuPrice } from '../prices/gpuPrice.js';
import { OnFinish } from '../run/onFinish.js';
import { executeRun } from '../training/executeRun.js';
import { prepareRun, type TrainOptions } from '../training/prepareRun.js';
import { UserError } from '../userError.js';
import { logFormatOption } from './logFormatOption.js';
import { port, stepRange, wholeNumber } from './optionValues.js';

const money = (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected an amount in US dollars.');
  return value;
};

const gigabytes = (text: string) => {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('expected a positive number of gigabytes.');
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
  .option(
    '--resume <auto|file>',
    'auto: go on from the last checkpoint in --out, if there is one; a file of another phase: begin with its weights',
  )
  .option('--init <file>', "begin with another run's weights, of whatever phase; --resume auto goes before it")
  .option('--init-aliases', 'Phase B from Phase A: begin two Mamer blocks with its attention layers (default: anew)')
  .option('--epochs <n>', 'number of epochs', wholeNumber(1))
  .option('--max-steps <n>', 'number of optimiser steps', wholeNumber(1))
  .option('--budget <usd>', 'stop before this much is spent', money)
  .option('--gpu <name>', 'the machine that is paid for, e.g. "RTX 4090"; its price: configs/prices.yaml')
  .addOption(
    new Option('--engine <name>', 'what runs the model').choices(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm']),
  )
  .option('--keep <n>', 'earlier checkpoints to keep beside the last one (default: 2)', wholeNumber(0))
  .option('--on-finish <command>', 'run when training has ended, also after a crash, e.g. to stop the pod')
  .option('--workers <n>', 'augmentation workers; 0: as many as the trainer turns out to need', wholeNumber(0))
  .option('--seed <n>', 'seed of everything random', wholeNumber(0))
  .option('--record [folder]', "keep micro-batches for `replay` (default folder: recorded/ in the run's)")
  .option('--record-steps <A..B>', 'optimiser steps to record: A..B, A.., ..B or A (default: all)', stepRange)
  .option('--record-max-gb <n>', 'disk that recordings may take (default: 10); then recording stops', gigabytes)
  .option('--watch <port>', 'serve the report while the run goes on, on 127.0.0.1 only; 0: a port that is free', port)
  .option('--dry-run', 'two short epochs on made-up clips through the whole flow')
  .addOption(logFormatOption())
  .addHelpText(
    'after',
    `
Example:
  node pipeline/train.js --config configs/v8_4090.yaml --phase a --data-root /data/crops --budget 2.50 --out runs/a

  node pipeline/train.js --resume auto --out runs/a --config configs/v8_4090.yaml --data-root /data/crops \\
      --budget 2.50 --on-finish 'runpodctl stop pod $RUNPOD_POD_ID'

--on-finish: the command sees STF_EXIT_CODE (a number, or "crashed") and STF_RUN_FOLDER; its output goes to on-finish.log.
It does not run when the command is refused before anything has begun, as for a wrong option.
A closed terminal does not end the run; Ctrl-C and kill do, with a checkpoint.

The run's folder holds config.json, metrics.jsonl, batches.jsonl, quarantine.jsonl, summary.json, checkpoints/,
report.html, samples/ (pictures of what the model saw) and tensorboard/ (for \`tensorboard --logdir runs\`).
To watch a run on another machine: --watch 8080 there, \`ssh -L 8080:127.0.0.1:8080 <machine>\` here, and open the
address that the run prints.
Exit codes: 0 done, 2 wrong input, 3 too many unusable clips, 4 training failed, 130/143 stopped with a checkpoint.`,
  )
  .action((options: TrainOptions) => runCommand(() => train({ ...options, command: process.argv.slice(2) })));

async function train(options: TrainOptions): Promise<number> {
  if (options.record === undefined && (options.recordSteps !== undefined || options.recordMaxGb !== undefined))
    throw new UserError('--record-steps and --record-max-gb: expected --record beside them');
  const prepared = await prepareRun(await withGpuPrice(options));
  const { path: folder } = prepared.folder;
  const { onFinish: command } = options;
  const finish = command && new OnFinish({ command, folder, log: prepared.folder.file('on-finish.log') });
  try {
    const code = await executeRun(prepared);
    if (finish) finish.report({ exit_code: code });
    return code;
  } catch (error) {
    if (finish) finish.report({ exit_code: exitCodeOf(error) ?? EXIT.training });
    throw error;
  } finally {
    await prepared.dispose();
  }
}

await parseCommand(trainCommand);
