import { describe, expect, it } from 'vitest';
import { Budget } from '../../../operators/index.js';
import { BudgetForecast } from '../../../pipeline/run/budgetForecast.js';

const HOUR = 3_600_000;

function forecast(options: { maxBudget: number; costPerHour?: number; spentBefore?: number; secondsPerStep?: number }) {
  let now = 0;
  const clock = () => now;
  const { maxBudget, costPerHour = 2, spentBefore = 0, secondsPerStep } = options;
  const budget = new Budget({ costPerHour, maxBudget, spentBefore, clock });
  const steps = { firstStep: 101, lastStep: 1100, ...(secondsPerStep === undefined ? {} : { secondsPerStep }) };
  const made = new BudgetForecast({ budget, costPerHour, maxBudget, clock, ...steps });
  return {
    made,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('BudgetForecast', () => {
  it('says before the start how long the money lasts', () => {
    expect(forecast({ maxBudget: 5 }).made.before()).toBe(
      'budget $5.00 at $2.00 an hour: 2h24m of training, then saving and validation',
    );
    expect(forecast({ maxBudget: 5, spentBefore: 4 }).made.before()).toBe(
      'budget $5.00 at $2.00 an hour, $4.00 of it spent already: 24m00s of training, then saving and validation',
    );
  });

  it('shows the tenths of a cent that a trial is made of', () => {
    expect(forecast({ maxBudget: 0.008, costPerHour: 0.39, spentBefore: 0.0064 }).made.before()).toMatch(
      /^budget \$0\.008 at \$0\.39 an hour, \$0\.0064 of it spent already: /,
    );
  });

  it('says how far a resumed run will come, from the pace of its earlier stretches', () => {
    expect(forecast({ maxBudget: 5, spentBefore: 4, secondsPerStep: 2.88 }).made.before()).toMatch(
      /; at 2\.9 s a step the budget ends in 24m00s, around step 600 of 1100$/,
    );
  });

  it('says once, when the time of a step is known, whether the budget lasts', () => {
    const { made, pass } = forecast({ maxBudget: 5 });
    const told: string[] = [];
    for (let step = 101; step <= 200; step++) {
      pass(3600);
      const text = made.observe(step);
      if (text !== undefined) told.push(`${step}: ${text}`);
    }
    expect(told).toEqual(['117: at 3.6 s a step the 983 steps that are left take 58m59s and $1.97: the budget lasts']);
    pass(1.9 * HOUR);
    expect(made.outlook()).toBe('at 3.6 s a step the budget ends in 24m00s, around step 600 of 1100');
  });

  it('says nothing where nothing is paid', () => {
    const { made, pass } = forecast({ maxBudget: 5, costPerHour: 0 });
    expect(made.before()).toBeUndefined();
    pass(HOUR);
    expect(made.observe(150)).toBeUndefined();
  });
});
