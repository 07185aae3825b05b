import type { Budget } from './budget.js';

/** Shares of the budget at which a person wants to know, unless told otherwise. */
const SHARES = [0.8, 0.95];

/**
 * Makes a function that tells `onWarning` once of each share of the budget that has been spent by the time it is
 * called. Of several passed at once (a resumed run) only the largest is told.
 *
 * @example
 * const look = budgetWarnings(budget, (share) => warn(`${100 * share} % of the budget are spent`));
 * setInterval(look, 1000);
 */
export function budgetWarnings(
  budget: Pick<Budget, 'share'>,
  onWarning: (share: number) => void,
  shares: readonly number[] = SHARES,
): () => void {
  let left = [...shares].sort((a, b) => a - b);
  return () => {
    const spent = budget.share();
    const passed = left.filter((share) => spent >= share).at(-1);
    if (passed === undefined) return;
    left = left.filter((share) => share > passed);
    onWarning(passed);
  };
}
