import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { SPLIT_NAMES, type SplitName } from '../data/splits.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { shellWord } from '../shellWord.js';
import { checkSweepData } from '../sweep/checkSweepData.js';
import { executeSweep, trainArgs } from '../sweep/executeSweep.js';
import { parseSweepFile } from '../sweep/sweepFile.js';
import { type PlannedRun, planSweep, type SweepOptions } from '../sweep/sweepPlan.js';
import { usd, usdGiven } from '../usd.js';
import { UserError } from '../userError.js';
import { wholeNumber } from './optionValues.js';

type SweepCommandOptions = SweepOptions & {
  out?: string;
  budget?: number;
  maxSteps?: number;
  epochs?: number;
  seeds?: number[];
  evaluate?: SplitName;
  plan?: boolean;
};

const money = (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('expected a positive amount in US dollars.');
  return value;
};
const seedList = (text: string) => text.split(',').map(wholeNumber(0));

const sweepCommand = new Command('node pipeline/sweep.js')
  .description('Trains several variants one after the other within one budget, and compares them in one table.')
  .argument('<file>', 'YAML file with the variants, e.g. configs/ablation.yaml')
  .option('--config <file>', 'settings of all runs, in place of the configuration that the file names')
  .option('--data-root <folder>', 'folder of <id>_crops.npz and <id>_landmarks.npz')
  .option('--out <folder>', "the sweep's folder (default: runs/<name of the file>)")
  .option('--budget <usd>', 'money for all runs together', money)
  .option('--gpu <name>', 'the machine that is paid for, e.g. "RTX 4090"; its price: configs/prices.yaml')
  .option('--max-steps <n>', 'optimiser steps of each run', wholeNumber(1))
  .option('--epochs <n>', 'epochs of each run', wholeNumber(1))
  .option('--seeds <list>', 'e.g. 1,2,3: every variant once with each', seedList)
  .option(
    '--set <section.key=value>',
    'one setting for all runs; may be repeated',
    (value, all: string[]) => [...all, value],
    [],
  )
  .addOption(
    new Option('--engine <name>', 'what runs the model').choices(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm']),
  )
  .option('--workers <n>', 'augmentation workers; 0: as many as the trainer turns out to need', wholeNumber(0))
  .addOption(
    new Option('--evaluate <split>', 'evaluate finished runs on the real and fake videos of this split').choices([
      ...SPLIT_NAMES,
    ]),
  )
  .option('--plan', 'check everything, print the commands, each with its share of the budget, train nothing')
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/sweep.js configs/ablation.yaml --data-root /data/crops --gpu 4090 --budget 5 --out runs/ablation
  node pipeline/sweep.js configs/ablation.yaml --data-root /data/crops --config configs/v8_debug.yaml --max-steps 20

Each run has its folder below --out, as train leaves it, with train.log. comparison.json, .csv and .md are written after
every run. The same command goes on after an interruption: finished runs are not repeated, broken ones go on from their
last checkpoint. With --evaluate (or evaluate: test in the file) the best checkpoint of each finished run is evaluated, as
evaluate does it, and the comparison shows its AUC on real fakes. More --max-steps, --epochs or --budget make finished runs go on, too.
Exit codes: 0 all runs done (or the money is), 2 wrong input, otherwise that of the first failed run or
evaluation; 130/143 stopped.`,
  )
  .action((file: string, options: SweepCommandOptions) => runCommand(() => sweep(file, options)));

async function sweep(path: string, options: SweepCommandOptions): Promise<number> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UserError(`cannot read ${path}: ${error.message}`);
  });
  const file = parseSweepFile(text, path);
  if (options.seeds) file.seeds = [...new Set(options.seeds)];
  const out = options.out ?? join('runs', basename(path, extname(path)));
  const runs = await planSweep(file, out, options);
  await checkSweepData(runs);
  const budget = options.budget ?? file.budget;
  checkMoney(runs, budget);
  const maxSteps = options.maxSteps ?? file.maxSteps;
  const epochs = options.epochs ?? file.epochs;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const limits = {
    ...(budget === undefined ? {} : { budget }),
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(epochs === undefined ? {} : { epochs }),
  };
  if (options.plan) {
    const share = (budget ?? Number.POSITIVE_INFINITY) / runs.length;
    for (const run of runs)
      process.stdout.write(`node pipeline/train.js ${trainArgs(run, limits, share).map(shellWord).join(' ')}\n`);
    return EXIT.done;
  }
  const evaluate = options.evaluate ?? file.evaluate;
  return executeSweep({
    ...{ runs, out, limits, reference: file.reference, say },
    ...(evaluate === undefined ? {} : { evaluate }),
  });
}

/** @throws UserError when the machine costs money and there is no limit, or too little for every run to begin. */
function checkMoney(runs: readonly PlannedRun[], budget: number | undefined): void {
  const priced = runs.filter(({ config }) => config.cost_per_hour > 0);
  if (priced.length === 0) return;
  if (budget === undefined)
    throw new UserError('--budget: expected the money for all runs together, since the machine costs some');
  const reserves = priced.reduce((sum, { config }) => sum + config.cost_per_hour * config.budget_reserve_hours, 0);
  if (budget <= reserves)
    throw new UserError(
      `--budget: expected more than ${usd(reserves)}, the reserves with which ${priced.length} runs end (training.budget_reserve_hours), but received ${usdGiven(budget)}`,
    );
}

await parseCommand(sweepCommand);
