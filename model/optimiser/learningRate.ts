export type LearningRateSchedule = {
  /** Peak rate, reached at the end of the warm-up. */
  lr: number;
  /** Rate that the cosine ends on. */
  minLr: number;
  warmupSteps: number;
  totalSteps: number;
  /** Step at which the warm-up begins, 0 unless the run went back to a checkpoint and warms up anew. */
  warmupFrom?: number;
};

/**
 * Learning rate of optimiser step `step` (0-based): linear warm-up, then half a cosine (Loshchilov and Hutter,
 * SGDR, 2017). Counted in steps from `lr/warmupSteps`, so that the first step already moves the weights.
 */
export function learningRateAt(
  step: number,
  { lr, minLr, warmupSteps, totalSteps, warmupFrom = 0 }: LearningRateSchedule,
): number {
  const warm = warmupFrom + warmupSteps;
  if (step < warm) return (lr * (step - warmupFrom + 1)) / warmupSteps;
  const progress = totalSteps > warm ? Math.min(1, (step - warm) / (totalSteps - warm)) : 1;
  return minLr + 0.5 * (lr - minLr) * (1 + Math.cos(Math.PI * progress));
}
