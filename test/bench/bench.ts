import { Command, InvalidArgumentError, Option } from 'commander';
import writeFileAtomic from 'write-file-atomic';
import { augmentBench } from './augmentBench.js';
import { stepBench } from './stepBench.js';

/** `npm run bench -- augment|step|all`: what a sample and what a training step cost, as tables and as JSON. */

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number of at least 0.');
  return value;
}

const wholeNumbers = (text: string): number[] => text.split(',').map(wholeNumber);

async function writeJson(file: string | undefined, result: object): Promise<void> {
  if (file) await writeFileAtomic(file, `${JSON.stringify(result, null, 2)}\n`);
}

const program = new Command('bench').description('Benchmarks; each prints a table and writes JSON with --json');

type Peers = { python?: string; peers?: string };

const withPeers = (command: Command): Command =>
  command
    .option('--python <path>', 'interpreter that has the requirements of the peers')
    .option('--peers <folder>', 'folder with augment.py and stf_mamba_torch.py, the peers in Python')
    .option('--json <file>', 'where to write the figures');

withPeers(program.command('augment'))
  .description('CPU seconds, pairs per second and memory of making clip pairs, by stage, beside Python')
  .option('--data <folder>', 'clips to read; default: 16 synthetic clips of 32 frames at 224x224')
  .option('--pairs <n>', 'pairs per measurement', wholeNumber, 32)
  .option('--repeats <n>', 'measurements, ours and the peers in turn; medians are reported', wholeNumber, 3)
  .option('--workers <list>', 'numbers of worker threads to measure', wholeNumbers, [1, 2])
  .option('--soak <n>', 'afterwards makes so many pairs in two workers and watches their memory', wholeNumber, 0)
  .action(async ({ json, ...options }) => writeJson(json, { augment: await augmentBench(options) }));

withPeers(program.command('step'))
  .description('milliseconds and memory of a whole training step, recorded and eager, beside PyTorch')
  .option('--only <text>', 'only the cases whose name contains this')
  .option('--steps <n>', 'steps per measurement after two to warm up; their median counts', wholeNumber, 7)
  .option('--repeats <n>', 'measurements, ours and the peer in turn; medians are reported', wholeNumber, 1)
  .option('--no-eager', 'leaves out the eager step')
  .addOption(new Option('--kernels <on|off>', 'our own operations').choices(['on', 'off']).default('on'))
  .option('--compile', 'the peer is compiled by torch.compile', false)
  .option('--profile', 'also prints which nodes of the recorded step take the time', false)
  .action(async ({ json, ...options }) => writeJson(json, await stepBench(options)));

withPeers(program.command('all'))
  .description('both with their defaults')
  .action(async ({ json, ...peers }: Peers & { json?: string }) => {
    const augment = await augmentBench({ pairs: 32, repeats: 3, workers: [1, 2], soak: 0, ...peers });
    const step = await stepBench({
      steps: 7,
      repeats: 1,
      eager: true,
      kernels: 'on',
      compile: false,
      profile: false,
      ...peers,
    });
    await writeJson(json, { augment, ...step });
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
