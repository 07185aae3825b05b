import { Command, InvalidArgumentError } from 'commander';
import writeFileAtomic from 'write-file-atomic';
import { augmentBench } from './augmentBench.js';

/** `npm run bench -- augment`: what the machine needs for a sample, as a table and as JSON. */

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

program
  .command('augment')
  .description('CPU seconds, pairs per second and memory of making clip pairs, by stage, beside Python')
  .option('--data <folder>', 'clips to read; default: 16 synthetic clips of 32 frames at 224x224')
  .option('--pairs <n>', 'pairs per measurement', wholeNumber, 32)
  .option('--repeats <n>', 'measurements, ours and the peers in turn; medians are reported', wholeNumber, 3)
  .option('--workers <list>', 'numbers of worker threads to measure', wholeNumbers, [1, 2])
  .option('--soak <n>', 'afterwards makes so many pairs in two workers and watches their memory', wholeNumber, 0)
  .option('--python <path>', 'interpreter that has the requirements of the peers')
  .option('--peers <folder>', 'folder with augment.py, the peer in Python')
  .option('--json <file>', 'where to write the figures')
  .action(async ({ json, ...options }) => writeJson(json, { augment: await augmentBench(options) }));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
