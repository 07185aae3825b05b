import { expect, it } from 'vitest';
import { Budget, budgetWarnings } from '../../operators/index.js';

const HOUR = 3_600_000;

it('tells of 80 % and of 95 %, each once', () => {
  let now = 0;
  const told: number[] = [];
  const look = budgetWarnings(new Budget({ costPerHour: 1, maxBudget: 10, clock: () => now }), (s) => told.push(s));
  for (const hours of [0, 7.9, 8, 8.1, 9.4, 9.6, 11]) {
    now = hours * HOUR;
    look();
    look();
  }
  expect(told).toEqual([0.8, 0.95]);
});

it('tells a resumed run only of the largest share that is passed already', () => {
  const told: number[] = [];
  const options = { costPerHour: 1, maxBudget: 10, spentBefore: 9.7, clock: () => 0 };
  budgetWarnings(new Budget(options), (share) => told.push(share))();
  expect(told).toEqual([0.95]);
});

it('says nothing where there is no limit', () => {
  const told: number[] = [];
  const budget = new Budget({ costPerHour: 1, maxBudget: 0, spentBefore: 1e9, clock: () => 0 });
  budgetWarnings(budget, (share) => told.push(share))();
  expect(told).toEqual([]);
});
