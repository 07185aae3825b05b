import type { Progress } from '../../../pipeline/progress.js';

export const progressState: Progress = {
  step: 120,
  totalSteps: 300,
  epoch: 3,
  loss: 0.71234,
  lr: 4.9e-4,
  clipsPerSecond: 35.24,
  readiness: 0.987,
  spentUsd: 0.0213,
  maxBudget: 5,
  secondsLeft: 192,
  gradNorm: 1.2714,
  auc: 0.8412,
  bestAuc: 0.86,
  workers: { busy: 2, threads: 3, ahead: 5 },
  quarantined: 1,
  rssMb: 1228,
};
