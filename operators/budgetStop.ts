import { defer, EMPTY, filter, interval, type MonoTypeOperatorFunction, takeUntil, takeWhile } from 'rxjs';
import type { Budget } from './budget.js';

export type BudgetStopOptions = {
  /** Looks at the budget in between as well, since a stream that stalls costs money too; default: only at values. */
  everyMs?: number;
};

/**
 * Passes values on up to and including the first one at which the budget is exhausted, then completes, which cancels
 * everything upstream. Completes at once if the budget is exhausted on subscription: a resumed run must not pay for a
 * step it cannot afford. `onStop` is told what was spent, before the last value is passed on.
 *
 * @example
 * steps.pipe(budgetStop(new Budget({ costPerHour: 1.39, maxBudget: 5 }), () => { stopReason = 'budget'; }))
 */
export function budgetStop<T>(
  budget: Budget,
  onStop?: (spent: number) => void,
  { everyMs }: BudgetStopOptions = {},
): MonoTypeOperatorFunction<T> {
  const affordable = () => {
    if (!budget.exhausted()) return true;
    onStop?.(budget.spent());
    return false;
  };
  return (source) =>
    defer(() => {
      if (!affordable()) return EMPTY;
      const guarded = source.pipe(takeWhile(affordable, true));
      if (everyMs === undefined) return guarded;
      return guarded.pipe(takeUntil(interval(everyMs).pipe(filter(() => !affordable()))));
    });
}
