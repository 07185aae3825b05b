import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../userError.js';

/** The first steps compile kernels and fill queues. */
const WARM_UP_STEPS = 3;

/** Median seconds of a step with its wait for data, from a run's metrics.jsonl. @throws UserError without enough steps. */
export async function trialSpeed(run: string): Promise<number> {
  const file = join(run, 'metrics.jsonl');
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`--trial: cannot read ${file}: ${error.message}`);
  });
  const seconds = text
    .split('\n')
    .filter((line) => line !== '' && line.endsWith('}'))
    .map((line) => JSON.parse(line) as { kind?: string; step_ms?: number; data_wait_ms?: number })
    .filter(({ kind, step_ms }) => kind === undefined && step_ms !== undefined)
    .slice(WARM_UP_STEPS)
    .map(({ step_ms = 0, data_wait_ms = 0 }) => (step_ms + data_wait_ms) / 1000)
    .sort((a, b) => a - b);
  if (seconds.length === 0) throw new UserError(`--trial: expected more than ${WARM_UP_STEPS} steps in ${file}`);
  return seconds[seconds.length >> 1]!;
}
