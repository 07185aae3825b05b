import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { resolveConfig } from '../../model/config/resolveConfig.js';
import { readEngineRecord } from '../../model/engine/engineRecord.js';
import { openDataRoot } from '../data/dataRoot.js';
import { readSplits } from '../data/splits.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { costEstimate } from '../pod/costEstimate.js';
import { findGraphicsCard, type GraphicsCard } from '../pod/graphicsCard.js';
import { podConfig, writePodConfig } from '../pod/podConfig.js';
import { trialDifferences } from '../pod/trialDifferences.js';
import { trialSpeed } from '../pod/trialSpeed.js';
import { priceOf, pricesFile, readPrices } from '../prices/priceTable.js';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';

type PodOptions = {
  out: string;
  phase: 'baseline' | 'a' | 'b';
  dataRoot?: string;
  budget?: number;
  price?: number;
  trial?: string;
};

const dollars = (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected an amount in US dollars.');
  return value;
};

const podCommand = new Command('node pipeline/pod.js')
  .description('Looks at the GPU of this machine, writes a configuration for it and says what a training will cost.')
  .option('--out <file>', 'where the configuration goes', join(projectFolder, 'configs', 'pod.yaml'))
  .addOption(new Option('--phase <phase>', 'what will be trained').choices(['baseline', 'a', 'b']).default('a'))
  .option('--data-root <folder>', 'face crops, to count steps')
  .option('--budget <usd>', 'money for the training (default: training.max_budget)', dollars)
  .option('--price <usd>', 'per hour, where configs/prices.yaml does not know the GPU or is out of date', dollars)
  .option('--trial <run>', 'folder of a short run on this machine, to estimate from its speed')
  .addHelpText(
    'after',
    `
Example:
  node pipeline/pod.js --data-root data --budget 5
  node pipeline/train.js --config configs/pod.yaml --data-root data --max-steps 20 --out runs/trial
  node pipeline/pod.js --data-root data --budget 5 --trial runs/trial

pipeline/setup_pod.sh does this and all the rest of setting up a rented machine.
Exit codes: 0 done, 2 wrong input, or a GPU that TensorFlow does not reach.`,
  )
  .action((options: PodOptions) => runCommand(() => pod(options)));

async function pod({ out, phase, dataRoot, budget, price, trial }: PodOptions): Promise<number> {
  const say = (what: string, text: string) => process.stdout.write(`${what.padEnd(8)} ${text}\n`);
  const card = await findGraphicsCard();
  const file = card ? out : join(projectFolder, 'configs', 'v8_debug.yaml');
  if (card) {
    const usdPerHour = await priceFor(card, price);
    say(
      'GPU',
      `${card.name}, ${card.memoryMiB} MiB${card.count > 1 ? `; ${card.count} of them, training uses one` : ''}`,
    );
    const config = await podConfig(card, usdPerHour);
    const written = await writePodConfig(file, config);
    const what = {
      written: `made from ${config.base}`,
      kept: 'was here already',
      replaced: 'made anew; the old one is kept beside it',
    };
    say('config', `${shown(file)}: ${what[written]}`);
  } else {
    say('GPU', 'none found (no nvidia-smi): the small configuration for the CPU');
    say('config', shown(file));
  }
  // The shipped configuration without a GPU has no price, and stays as it is.
  const overrides = card === undefined && price !== undefined ? [`training.cost_per_hour=${price}`] : [];
  const { config } = resolveConfig({ preset: phase, yaml: { text: await readFile(file, 'utf8'), file }, overrides });
  say('batch', `${config.batch_size} clips, ${config.grad_accum} micro-batches a step`);
  const money = budget ?? config.max_budget;
  const estimate = costEstimate({
    config,
    budget: money,
    trainIds: dataRoot === undefined ? undefined : await trainIdsOf(dataRoot),
    speed: trial === undefined ? undefined : await trialSpeed(trial),
  });
  for (const [index, line] of estimate.entries()) say(index === 0 ? 'cost' : '', line);
  const other = trial === undefined ? undefined : await trialDifferences(trial, config);
  if (other !== undefined) say('note', other);
  const root = dataRoot ?? '<folder>';
  const set = overrides.map((override) => ` --set ${override}`).join('');
  say(
    'start',
    `node pipeline/train.js --config ${shown(file)} --phase ${phase} --data-root ${root} --budget ${money}${set} --resume auto --out runs/${phase}`,
  );
  if (card) checkEngine();
  return EXIT.done;
}

/** @throws UserError where training would refuse to start: the set-up has found that its engine does not reach the GPU. */
function checkEngine(): void {
  const { engine, device } = readEngineRecord() ?? {};
  if (engine === 'tensorflow-cuda' && device === 'cpu')
    throw new UserError(
      'nvidia-smi names a GPU, but TensorFlow saw none when it was set up, and training would not start; mend the driver and run the set-up again, or rent another machine',
    );
}

const shown = (file: string) => relative(process.cwd(), file);

/** All cards of the machine are paid for. @throws UserError for a card without a price. */
async function priceFor({ name, count }: GraphicsCard, given: number | undefined): Promise<number> {
  if (given !== undefined) return given;
  const found = priceOf(await readPrices(), name);
  if (!found)
    throw new UserError(
      `no price for "${name}" in ${pricesFile}; add a line "<name>: <USD per hour>" there, or give --price USD`,
    );
  return Math.round(found.usdPerHour * count * 1e4) / 1e4;
}

/** The real clips of the split "train"; undefined where there are no splits yet, which verify-data says. */
async function trainIdsOf(dataRoot: string): Promise<string[] | undefined> {
  const data = await openDataRoot(dataRoot);
  try {
    const { clips } = await readSplits(data.path, join(projectFolder, 'splits'));
    return clips.train.filter(({ label }) => label === 0).map(({ id }) => id);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

await parseCommand(podCommand);
