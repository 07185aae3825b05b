import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { resolveConfig } from '../../model/config/resolveConfig.js';
import { EXIT, parseCommand, runCommand } from '../exitCodes.js';
import { UserError } from '../userError.js';
import { verificationText } from '../verification/verificationText.js';
import { verifyDataRoot } from '../verification/verifyDataRoot.js';
import { wholeNumber } from './optionValues.js';

type VerifyDataOptions = { config?: string; set: string[]; workers: number; json?: boolean };

const verifyDataCommand = new Command('node pipeline/verify-data.js')
  .description('Reads every clip of a data root as training would, and says what cannot be used and why.')
  .argument('<data-root>', 'folder of <id>_crops.npz and <id>_landmarks.npz, flat or in crops/ and landmarks/')
  .option('--config <file>', 'YAML file with settings: clips too short for it count as unusable')
  .option('--set <section.key=value>', 'one setting; may be repeated', (value, all: string[]) => [...all, value], [])
  .option('--workers <n>', 'threads that read; 0: one per core', wholeNumber(0), 0)
  .option('--json', 'print one JSON object in place of the text')
  .addHelpText(
    'after',
    `
Examples:
  node pipeline/verify-data.js /data/crops
  node pipeline/verify-data.js /data/crops --config configs/v8_4090.yaml --json > verification.json

Checked are: both files of every clip (all bytes, with their checksums), shapes and types, landmarks outside the picture
or in wrong coordinates (of the whole video frame, normalised, swapped), runs of contiguous frames; and of
manifest.csv or splits/: form, ids without files, clips and persons that stand in two splits.
Exit codes: 0 all of it can be used, 2 something cannot.`,
  )
  .action((root: string, options: VerifyDataOptions) => runCommand(() => verifyData(root, options)));

async function verifyData(root: string, { config, set, workers, json }: VerifyDataOptions): Promise<number> {
  const yaml = config === undefined ? undefined : { text: await textOf(config), file: config };
  const { num_segments, frames_per_segment } = resolveConfig({ ...(yaml ? { yaml } : {}), overrides: set }).config;
  const asked = config !== undefined || set.length > 0;
  const report = await verifyDataRoot(root, {
    threads: workers || availableParallelism(),
    length: { num_segments, frames_per_segment, asked },
  });
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : verificationText(report)}\n`);
  return report.ok ? EXIT.done : EXIT.input;
}

const textOf = (file: string) =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`--config: cannot read ${file}: ${error.message}`);
  });

await parseCommand(verifyDataCommand);
