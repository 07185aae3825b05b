import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mean } from 'd3-array';
import { z } from 'zod';
import { UserError } from '../userError.js';

/** How long the parts of a run take, as a trial on the same machine has shown. */
export type TrialSpeed = {
  /** From step to step, waiting for data included: the median. */
  secondsPerStep: number;
  /** The mean; undefined where the trial validated nothing. */
  secondsPerValidation: number | undefined;
};

/** The first steps compile kernels and fill queues. */
const WARM_UP_STEPS = 3;

const timed = z.union([
  z
    .object({ kind: z.undefined().optional(), step_ms: z.number(), data_wait_ms: z.number().default(0) })
    .transform(({ step_ms, data_wait_ms }) => ({ step: (step_ms + data_wait_ms) / 1000 })),
  z.object({ kind: z.literal('val'), ms: z.number() }).transform(({ ms }) => ({ validation: ms / 1000 })),
]);

/** Of a line about a step or a validation; what is torn, or is about something else, tells nothing. */
function timeOf(line: string): z.infer<typeof timed>[] {
  try {
    const { success, data } = timed.safeParse(JSON.parse(line));
    return success ? [data] : [];
  } catch {
    return [];
  }
}

/** Reads a run's metrics.jsonl. @throws UserError without enough steps. */
export async function trialSpeed(run: string): Promise<TrialSpeed> {
  const file = join(run, 'metrics.jsonl');
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`--trial: cannot read ${file}: ${error.message}`);
  });
  const times = text.split('\n').flatMap(timeOf);
  const steps = times
    .flatMap((time) => ('step' in time ? [time.step] : []))
    .slice(WARM_UP_STEPS)
    .sort((a, b) => a - b);
  if (steps.length === 0) throw new UserError(`--trial: expected more than ${WARM_UP_STEPS} steps in ${file}`);
  const validations = times.flatMap((time) => ('validation' in time ? [time.validation] : []));
  return { secondsPerStep: steps[steps.length >> 1]!, secondsPerValidation: mean(validations) };
}
