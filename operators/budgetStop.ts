import { defer, EMPTY, type MonoTypeOperatorFunction, takeWhile } from 'rxjs';
import type { Budget } from './budget.js';

/**
 * Passes values on up to and including the first one at which the budget is exhausted, then completes, which cancels
 * everything upstream. Completes at once if the budget is exhausted on subscription: a resumed run must not pay for a
 * step it cannot afford. `onStop` is told what was spent, before the last value is passed on.
 *
 * @example
 * steps.pipe(budgetStop(new Budget({ costPerHour: 1.39, maxBudget: 5 }), () => { stopReason = 'budget'; }))
 */
export function budgetStop<T>(budget: Budget, onStop?: (spent: number) => void): MonoTypeOperatorFunction<T> {
  const affordable = () => {
    if (!budget.exhausted()) return true;
    onStop?.(budget.spent());
    return false;
  };
  return (source) => defer(() => (affordable() ? source.pipe(takeWhile(affordable, true)) : EMPTY));
}
