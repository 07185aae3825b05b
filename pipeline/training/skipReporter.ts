import type { RunEvents } from '../run/runEvents.js';
import type { TrainingRunParts } from './trainingRun.js';

/** Keeps every skipped step as an event. Of those in a row it logs the first that it meets: the others are the same trouble. */
export function skipReporter(events: Pick<RunEvents, 'warn' | 'keep'>): NonNullable<TrainingRunParts['onSkip']> {
  let before: number | undefined;
  return ({ step, losses }, inARow) => {
    const what = Number.isFinite(losses.total) ? 'the gradient' : 'the loss';
    const message = `step ${step}: ${what} is not finite; the step is skipped, the weights stay as they were`;
    const fields = { step, in_a_row: inARow };
    if (before === step - 1) events.keep('skipped_step', message, fields);
    else events.warn('skipped_step', message, fields);
    before = step;
  };
}
