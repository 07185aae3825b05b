import { describe, expect, it } from 'vitest';
import { Budget, budgetStop } from '../../operators/index.js';
import { marbles } from './marbles.js';

const HOUR = 3_600_000;

describe('Budget', () => {
  it('charges by the hour and keeps a tenth of an hour in reserve', () => {
    let now = 5 * HOUR;
    const budget = new Budget({ costPerHour: 2, maxBudget: 5, spentBefore: 1, clock: () => now });
    expect([budget.spent(), budget.exhausted(), budget.hoursLeft()]).toEqual([1, false, 1.9]);
    now += 1.9 * HOUR;
    expect(budget.spent()).toBeCloseTo(4.8);
    now += HOUR / 1000;
    expect([budget.exhausted(), budget.hoursLeft()]).toEqual([true, 0]);
  });

  it.each([
    ['no price', { costPerHour: 0, maxBudget: 1, spentBefore: 10 }],
    ['no limit', { costPerHour: 3, maxBudget: 0 }],
    ['an infinite limit', { costPerHour: 3, maxBudget: Number.POSITIVE_INFINITY }],
  ])('is never exhausted with %s', (_name, options) => {
    let now = 0;
    const budget = new Budget({ ...options, clock: () => now });
    now = 1e6 * HOUR;
    expect([budget.exhausted(), budget.hoursLeft()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });

  it('refuses prices that are none', () => {
    expect(() => new Budget({ costPerHour: -1, maxBudget: 1 })).toThrow(
      'Expected a number of at least 0 for costPerHour but received -1 of type number',
    );
    expect(() => new Budget({ costPerHour: 1, maxBudget: Number.NaN })).toThrow('for maxBudget but received NaN');
  });
});

describe('budgetStop', () => {
  it('completes with the first value at which the reserve is touched, and cancels the source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush, now }) => {
      // One coin a millisecond, 6 in all, 2 in reserve: the first value after 4 ms is the last.
      const cost = { costPerHour: HOUR, maxBudget: 6, reserveHours: 2 / HOUR };
      const budget = new Budget({ ...cost, clock: now });
      const spent: number[] = [];
      const input = hot('   -a-b-c-d-|');
      const expected = '    -a-b-(c|)';
      expectObservable(input.pipe(budgetStop(budget, (coins) => spent.push(coins)))).toBe(expected);
      expectSubscriptions(input.subscriptions).toBe('^----!');
      flush();
      expect(spent.map(Math.round)).toEqual([5]);
    });
  });

  it('does not start what it cannot afford', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const input = hot('-a-|');
      const budget = new Budget({ costPerHour: 1, maxBudget: 5, spentBefore: 4.95 });
      expectObservable(input.pipe(budgetStop(budget))).toBe('|');
      expectSubscriptions(input.subscriptions).toBe([]);
    });
  });
});
