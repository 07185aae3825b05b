import { expect, it } from 'vitest';
import { skipReporter } from '../../../pipeline/training/skipReporter.js';
import type { StepResult } from '../../../pipeline/training/trainStep.js';

it('keeps every skipped step, says the first of those in a row, and tells the loss from the gradient', () => {
  const told: unknown[] = [];
  const note =
    (how: string) =>
    (kind: string, message: string, fields: object = {}) =>
      told.push([how, kind, message, fields]);
  const begin = () => skipReporter({ warn: note('warn'), keep: note('keep') });
  const report = begin();
  const step = (at: number, total: number) => ({ step: at, losses: { total } }) as StepResult;
  report(step(5, 0.7), 1);
  report(step(6, Number.NaN), 2);
  report(step(9, Number.POSITIVE_INFINITY), 1);
  begin()(step(10, 0.7), 2); // resumed between two of them: a log of its own
  const rest = 'is not finite; the step is skipped, the weights stay as they were';
  expect(told).toEqual([
    ['warn', 'skipped_step', `step 5: the gradient ${rest}`, { step: 5, in_a_row: 1 }],
    ['keep', 'skipped_step', `step 6: the loss ${rest}`, { step: 6, in_a_row: 2 }],
    ['warn', 'skipped_step', `step 9: the loss ${rest}`, { step: 9, in_a_row: 1 }],
    ['warn', 'skipped_step', `step 10: the gradient ${rest}`, { step: 10, in_a_row: 2 }],
  ]);
});
