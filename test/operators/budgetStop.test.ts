import { describe, expect, it, vi } from 'vitest';
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

  it('knows the end of the money apart from that of the work: the reserve lies between', () => {
    let now = 0;
    const budget = new Budget({ costPerHour: 2, maxBudget: 5, spentBefore: 1, reserveHours: 0.5, clock: () => now });
    expect([budget.hoursLeft(), budget.hoursToEnd()]).toEqual([1.5, 2]);
    now = 1.75 * HOUR;
    expect([budget.hoursLeft(), budget.hoursToEnd()]).toEqual([0, 0.25]);
    now = 3 * HOUR;
    expect(budget.hoursToEnd()).toBe(0);
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
    expect(budget.hoursToEnd()).toBe(Number.POSITIVE_INFINITY);
  });

  it('keeps more in reserve when the end turns out to take longer, unless none was asked for', () => {
    let now = 0;
    const budget = new Budget({ costPerHour: 2, maxBudget: 5, clock: () => now });
    expect(budget.hoursLeft()).toBeCloseTo(2.4);
    budget.reserveAtLeast(0.5);
    expect(budget.hoursLeft()).toBeCloseTo(2);
    budget.reserveAtLeast(0.2);
    expect(budget.hoursLeft()).toBeCloseTo(2);
    now = HOUR;
    expect(budget.share()).toBeCloseTo(0.4);
    const none = new Budget({ costPerHour: 2, maxBudget: 5, reserveHours: 0, clock: () => 0 });
    none.reserveAtLeast(1);
    expect(none.hoursLeft()).toBeCloseTo(2.5);
  });

  it('does not care for jumps of the wall clock', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const budget = new Budget({ costPerHour: 1, maxBudget: 5 });
      vi.setSystemTime(new Date('2040-01-01'));
      expect(budget.spent()).toBeLessThan(0.01);
      vi.setSystemTime(new Date('1980-01-01'));
      expect(budget.spent()).toBeGreaterThanOrEqual(0);
      expect(budget.exhausted()).toBe(false);
    } finally {
      vi.useRealTimers();
    }
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

  it('stops a stream that stalls, where it is told to look in between', () => {
    marbles(({ hot, expectObservable, now }) => {
      const budget = new Budget({ costPerHour: HOUR, maxBudget: 6, reserveHours: 0, clock: now });
      expectObservable(hot('-a---------b').pipe(budgetStop(budget, undefined, { everyMs: 1 }))).toBe('-a-----|');
    });
  });
});
