import { Budget, budgetWarnings } from '../../operators/index.js';
import { BudgetForecast } from '../run/budgetForecast.js';
import type { RunEvents } from '../run/runEvents.js';
import { SpendLedger } from '../run/spendLedger.js';
import { usd, usdGiven } from '../usd.js';
import type { PreparedRun } from './prepareRun.js';
import type { TrainingPlan } from './trainingPlan.js';

/** How often it is looked whether a share of the budget has been passed. */
const BUDGET_LOOK_MS = 1000;

/**
 * Counts what the run costs from here on, writes it down, and warns when much of the budget is spent.
 * `exhausted` aborts when no more than the reserve is left.
 */
export async function countMoney({ config, folder, resumed, log }: PreparedRun, plan: TrainingPlan, events: RunEvents) {
  const file = folder.file('spent.json');
  const before = await SpendLedger.read(file);
  const { cost_per_hour: costPerHour, max_budget: maxBudget } = config;
  const budget = new Budget({
    ...{ costPerHour, maxBudget, reserveHours: config.budget_reserve_hours },
    spentBefore: Math.max(before.usd, resumed?.state.spentUsd ?? 0),
  });
  const begun = performance.now();
  const secondsBefore = Math.max(before.seconds, resumed?.state.wallSeconds ?? 0);
  const seconds = () => secondsBefore + (performance.now() - begun) / 1000;
  const ledger = new SpendLedger(file, () => ({ usd: budget.spent(), seconds: seconds() }));
  ledger.start();
  const { step = 0, wallSeconds = 0 } = resumed?.state ?? {};
  const forecast = new BudgetForecast({
    ...{ budget, costPerHour, maxBudget, firstStep: plan.firstStep, lastStep: plan.lastStep },
    ...(step > 0 ? { secondsPerStep: wallSeconds / step } : {}),
  });
  const text = forecast.before();
  if (text !== undefined) log.info(text);
  const look = budgetWarnings(budget, (share) =>
    events.warn(
      'budget',
      `${100 * share} % of the budget are spent (${usd(budget.spent())} of ${usdGiven(maxBudget)}); ${forecast.outlook()}`,
      { spent_usd: budget.spent() },
    ),
  );
  look();
  const exhausted = new AbortController();
  const watch = () => {
    look();
    if (budget.exhausted()) exhausted.abort(new Error('the budget is exhausted'));
  };
  const timer = setInterval(watch, BUDGET_LOOK_MS);
  timer.unref();
  const stop = async () => {
    clearInterval(timer);
    await ledger.stop();
  };
  return { budget, forecast, secondsBefore, exhausted: exhausted.signal, stop };
}
