import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../userError.js';

/** The first steps compile kernels and fill queues. */
const WARM_UP_STEPS = 3;

const stepTimes = z.object({
  kind: z.undefined().optional(),
  step_ms: z.number(),
  data_wait_ms: z.number().optional(),
});

/** Of a line about a step; what is torn, or is about something else, tells nothing. */
function timesOf(line: string): z.infer<typeof stepTimes>[] {
  try {
    const { success, data } = stepTimes.safeParse(JSON.parse(line));
    return success ? [data] : [];
  } catch {
    return [];
  }
}

/** Median seconds of a step with its wait for data, from a run's metrics.jsonl. @throws UserError without enough steps. */
export async function trialSpeed(run: string): Promise<number> {
  const file = join(run, 'metrics.jsonl');
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`--trial: cannot read ${file}: ${error.message}`);
  });
  const seconds = text
    .split('\n')
    .flatMap(timesOf)
    .slice(WARM_UP_STEPS)
    .map(({ step_ms, data_wait_ms = 0 }) => (step_ms + data_wait_ms) / 1000)
    .sort((a, b) => a - b);
  if (seconds.length === 0) throw new UserError(`--trial: expected more than ${WARM_UP_STEPS} steps in ${file}`);
  return seconds[seconds.length >> 1]!;
}
