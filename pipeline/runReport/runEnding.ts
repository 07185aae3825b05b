import { numberAt, textAt } from './rowValues.js';
import type { RunRecord } from './runRecord.js';

export type RunEnding = {
  /** `running`, `killed`, or summary.json's stop_reason. */
  reason: string;
  /** One sentence, and what went wrong as that was worded. */
  text: string;
  /** Whether the reader has to do something about it. */
  trouble: boolean;
};

const WORDS: Readonly<Record<string, string>> = {
  finished: 'The run reached the end of its last epoch.',
  max_steps: 'The run reached the number of steps it was asked for.',
  budget: 'The run stopped because its budget was used up, but for what saving and validating cost.',
  signal: 'The run was stopped by a signal and wrote a checkpoint.',
  failure_budget: 'The run stopped because too many clips could not be used.',
  error: 'The run ended with an error.',
};

/** How a run ended, from what it left behind. */
export function runEnding({ summary, live, steps }: RunRecord): RunEnding {
  if (live) return { reason: 'running', text: 'The run is going on; this is its state now.', trouble: false };
  const last = numberAt(steps.at(-1), 'step');
  // A stretch that was killed leaves the summary of the one before, or none.
  if (!summary || last > numberAt(summary, 'steps'))
    return {
      reason: 'killed',
      text: 'The run has left no summary of its last steps: it was killed, the machine went away, or it is still running elsewhere.',
      trouble: true,
    };
  const reason = textAt(summary, 'stop_reason') ?? 'unknown';
  const sentence = WORDS[reason] ?? `The run ended: ${reason}.`;
  const error = textAt(summary, 'error');
  const failed = !(reason in WORDS) || reason === 'failure_budget' || reason === 'error';
  return {
    reason,
    text: !error ? sentence : failed ? `${sentence.slice(0, -1)}: ${error}` : `${sentence} After that: ${error}`,
    trouble: failed || Boolean(error),
  };
}
