import { type Clock, monotonicClock } from './clock.js';

export type BudgetOptions = {
  /** Price of the machine, in any currency, per hour. 0: it costs nothing and the budget never ends. */
  costPerHour: number;
  /** The most to spend, earlier runs included. 0 or Infinity: no limit. */
  maxBudget: number;
  /** What earlier runs have spent (a resumed run goes on counting). Default 0. */
  spentBefore?: number;
  /** Kept for the last checkpoint and evaluation, as hours of machine time. Default 0.1. */
  reserveHours?: number;
  clock?: Clock;
};

/**
 * Counts money from its creation on, by a clock that never goes back. It is exhausted when less than the reserve is
 * left: maxBudget − spent < costPerHour · reserveHours.
 *
 * @example
 * const budget = new Budget({ costPerHour: 1.39, maxBudget: 5, spentBefore: 2.2 });
 * steps.pipe(budgetStop(budget)).subscribe((step) => log({ ...step, spent_usd: budget.spent() }));
 *
 * @throws RangeError if a price is negative or not a number.
 */
export class Budget {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #costPerHour: number;
  readonly #maxBudget: number;
  readonly #spentBefore: number;
  #reserve: number;

  constructor({ costPerHour, maxBudget, spentBefore = 0, reserveHours = 0.1, clock = monotonicClock }: BudgetOptions) {
    for (const [name, value] of Object.entries({ costPerHour, maxBudget, spentBefore, reserveHours })) {
      if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
        throw new RangeError(
          `Expected a number of at least 0 for ${name} but received ${value} of type ${typeof value}`,
        );
      }
    }
    this.#clock = clock;
    this.#startedAt = clock();
    this.#costPerHour = costPerHour;
    this.#maxBudget = maxBudget === 0 || costPerHour === 0 ? Number.POSITIVE_INFINITY : maxBudget;
    this.#spentBefore = spentBefore;
    this.#reserve = costPerHour * reserveHours;
  }

  /** Spent so far, earlier runs included. */
  spent(): number {
    return this.#spentBefore + ((this.#clock() - this.#startedAt) / 3_600_000) * this.#costPerHour;
  }

  /** Share of the budget that is spent, 0 without a limit. */
  share(): number {
    return this.spent() / this.#maxBudget;
  }

  /**
   * Keeps at least so many hours of machine time in reserve, e.g. because the last validation took longer than was
   * thought. A reserve of 0 was asked for and stays.
   */
  reserveAtLeast(hours: number): void {
    if (this.#reserve > 0) this.#reserve = Math.max(this.#reserve, hours * this.#costPerHour);
  }

  exhausted(): boolean {
    return this.#maxBudget - this.spent() < this.#reserve;
  }

  /** Hours until all of it is spent, the reserve included; Infinity without a limit. */
  hoursToEnd(): number {
    if (this.#maxBudget === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return Math.max(0, (this.#maxBudget - this.spent()) / this.#costPerHour);
  }

  /** Hours of work left before the reserve is touched; Infinity without a limit. */
  hoursLeft(): number {
    if (this.#maxBudget === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return Math.max(0, (this.#maxBudget - this.spent() - this.#reserve) / this.#costPerHour);
  }
}
