import { type Budget, type Clock, monotonicClock } from '../../operators/index.js';
import { duration } from '../progress.js';
import { usd, usdGiven } from '../usd.js';

export type ForecastOptions = {
  budget: Pick<Budget, 'spent' | 'hoursLeft'>;
  costPerHour: number;
  maxBudget: number;
  firstStep: number;
  lastStep: number;
  /** Of an earlier stretch of the run, where there was one. */
  secondsPerStep?: number;
  clock?: Clock;
};

/** A step's time is known well enough after so many steps, or so many seconds and two steps. */
const SURE_STEPS = 20;
const SURE_SECONDS = 60;

/** Says what the budget buys, before the start and as soon as the time of a step is known. */
export class BudgetForecast {
  readonly #begun: number;
  readonly #clock: Clock;
  #secondsPerStep: number | undefined;
  #step: number;
  #told = false;

  constructor(private readonly options: ForecastOptions) {
    this.#clock = options.clock ?? monotonicClock;
    this.#begun = this.#clock();
    this.#secondsPerStep = options.secondsPerStep;
    this.#step = options.firstStep - 1;
  }

  get #limited(): boolean {
    return Number.isFinite(this.options.budget.hoursLeft());
  }

  /** What is known before the first step; undefined where nothing is paid or there is no limit. */
  before(): string | undefined {
    const { budget, costPerHour, maxBudget } = this.options;
    if (!this.#limited) return undefined;
    const spent = budget.spent();
    const already = spent > 0.0005 ? `, ${usd(spent)} of it spent already` : '';
    const hours = budget.hoursLeft();
    const text = `budget ${usdGiven(maxBudget)} at ${usdGiven(costPerHour)} an hour${already}: ${duration(3600 * hours)} of training, then saving and validation`;
    return this.#secondsPerStep === undefined ? text : `${text}; ${this.outlook()}`;
  }

  /** To be called with every step; returns the outlook once, as soon as the time of a step is known. */
  observe(step: number): string | undefined {
    const seconds = (this.#clock() - this.#begun) / 1000;
    const done = step - this.options.firstStep + 1;
    this.#step = step;
    if (done < 2) return undefined;
    this.#secondsPerStep = seconds / done;
    if (this.#told || !this.#limited || (done < SURE_STEPS && seconds < SURE_SECONDS)) return undefined;
    this.#told = true;
    return this.outlook();
  }

  /** When the run or its money ends, from where it is now. */
  outlook(): string {
    const { budget, costPerHour, lastStep } = this.options;
    if (this.#secondsPerStep === undefined) return 'the time of a step is not known yet';
    const pace = `${this.#secondsPerStep.toPrecision(2)} s a step`;
    const left = lastStep - this.#step;
    const hours = (left * this.#secondsPerStep) / 3600;
    const affordable = budget.hoursLeft();
    if (hours <= affordable)
      return `at ${pace} the ${left} steps that are left take ${duration(3600 * hours)} and ${usd(hours * costPerHour)}: the budget lasts`;
    const reached = this.#step + Math.floor((3600 * affordable) / this.#secondsPerStep);
    return `at ${pace} the budget ends in ${duration(3600 * affordable)}, around step ${reached} of ${lastStep}`;
  }
}
