import type { Budget } from '../../operators/index.js';
import type { Console, Progress } from '../progress.js';
import type { BudgetForecast } from '../run/budgetForecast.js';
import type { TrainingPlan } from './trainingPlan.js';
import type { TrainingRunParts } from './trainingRun.js';

/** Turns step results into the progress line. */
export function stepReporter(
  log: Console,
  plan: Pick<TrainingPlan, 'firstStep' | 'lastStep'>,
  budget: Budget,
  maxBudget: number,
  { forecast, more = () => ({}) }: { forecast?: BudgetForecast; more?: () => Partial<Progress> } = {},
): TrainingRunParts['onStep'] {
  const begun = performance.now();
  let clips = 0;
  let steps = 0;
  return ({ step, epoch, losses, lr, gradNorm, clips: trained, utilisation }, readiness) => {
    clips += trained;
    steps++;
    const seconds = (performance.now() - begun) / 1000;
    log.progress(
      () => ({
        ...{ step, epoch, lr, readiness, maxBudget, gradNorm, utilisation },
        totalSteps: plan.lastStep,
        loss: losses.total,
        clipsPerSecond: clips / seconds,
        spentUsd: budget.spent(),
        secondsLeft: Math.min(((plan.lastStep - step) * seconds) / steps, budget.hoursLeft() * 3600),
        rssMb: process.memoryUsage.rss() / 2 ** 20,
        ...more(),
      }),
      step === plan.lastStep,
    );
    const outlook = forecast?.observe(step);
    if (outlook !== undefined) log.info(outlook);
  };
}
