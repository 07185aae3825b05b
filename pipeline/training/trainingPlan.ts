import type { StfConfig } from '../../model/index.js';
import type { RunState } from '../run/runState.js';
import type { Sampler } from '../sampler.js';

/** From which to which optimiser step a run goes (both from 1), and how long its learning-rate schedule is. */
export type TrainingPlan = {
  firstStep: number;
  lastStep: number;
  scheduleSteps: number;
  /** What it means to reach the last step: all epochs are done, or the limit of steps was met. */
  endsBy: 'finished' | 'max_steps';
  warnings: string[];
};

/**
 * `--max-steps` alone decides how long a run is, and the schedule ends there; beside an explicit `--epochs` it only cuts
 * the run short. A resumed run keeps the schedule it began with, unless it is asked to go beyond its end.
 */
export function planTraining(
  config: StfConfig,
  sampler: Sampler,
  asked: { maxSteps?: number; epochs?: number },
  resumed?: RunState,
): TrainingPlan {
  const epochSteps = config.num_epochs * sampler.stepsPerEpoch;
  const { maxSteps } = asked;
  const lastStep =
    maxSteps === undefined ? epochSteps : asked.epochs === undefined ? maxSteps : Math.min(maxSteps, epochSteps);
  let scheduleSteps = maxSteps !== undefined && asked.epochs === undefined ? maxSteps : epochSteps;
  const warnings: string[] = [];
  if (resumed)
    if (lastStep <= resumed.scheduleSteps) scheduleSteps = resumed.scheduleSteps;
    else
      warnings.push(
        `the run was planned for ${resumed.scheduleSteps} steps and now goes to ${lastStep}: the learning rate follows the longer schedule from step ${resumed.step + 1} on`,
      );
  const endsBy = maxSteps !== undefined && lastStep === maxSteps ? 'max_steps' : 'finished';
  return { firstStep: (resumed?.step ?? 0) + 1, lastStep, scheduleSteps, endsBy, warnings };
}
