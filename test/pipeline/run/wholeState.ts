import type { RunState } from '../../../pipeline/run/runState.js';

/** The state of a run after a step, with all that every run writes. */
export const wholeState = (step: number): RunState => ({
  ...{ version: 1, phase: 'a', config: { model: {} }, step, epoch: 0, scheduleSteps: 9, stepsPerEpoch: 3, best: null },
  ...{ spentUsd: 0.5, wallSeconds: 2, cpuSeconds: 3, samples: 6, failed: 0, quarantined: ['clip'] },
  ...{ requestedDtype: 'bfloat16', effectiveDtype: 'float32' },
});
