import type { StfConfig } from '../../model/index.js';
import { duration } from '../progress.js';
import { Sampler } from '../sampler.js';
import { usd, usdGiven } from '../usd.js';
import type { TrialSpeed } from './trialSpeed.js';

export type CostEstimateInput = {
  config: StfConfig;
  /** USD that may be spent. */
  budget: number;
  /** Ids of the real clips to train on; undefined where the data is not there yet. */
  trainIds: readonly string[] | undefined;
  /** Where a run has shown it. */
  speed: TrialSpeed | undefined;
};

/**
 * What the money buys. How long a step takes is known only from a run on the machine itself; without one the estimate
 * says how fast a step has to be for the budget to suffice.
 */
export function costEstimate({ config, budget, trainIds, speed }: CostEstimateInput): string[] {
  const { cost_per_hour: price, budget_reserve_hours, num_epochs, val_every_epochs } = config;
  const lines: string[] = [];
  const hours = price > 0 ? Math.max(0, budget / price - budget_reserve_hours) : Number.POSITIVE_INFINITY;
  lines.push(
    price > 0
      ? `${usdGiven(budget)} at ${usdGiven(price)}/h buy ${duration((budget / price) * 3600)}, of which ${duration(budget_reserve_hours * 3600)} are kept for the last checkpoint: ${duration(hours * 3600)} of training`
      : 'this machine costs nothing',
  );
  if (trainIds === undefined || trainIds.length === 0) return lines;
  const { seed, batch_size, grad_accum } = config;
  const { stepsPerEpoch } = new Sampler({ ids: trainIds, seed, pairsPerMicro: batch_size / 2, gradAccum: grad_accum });
  const steps = stepsPerEpoch * num_epochs;
  lines.push(
    `${trainIds.length} clips to train on: ${stepsPerEpoch} ${stepsPerEpoch === 1 ? 'step' : 'steps'} an epoch, ${steps} in ${num_epochs} epochs`,
  );
  if (speed === undefined) {
    if (price > 0)
      lines.push(
        `the budget suffices for all of them if a step takes at most ${((hours * 3600) / steps).toFixed(1)} s, validations left out; a trial tells how long it takes`,
      );
    return lines;
  }
  const { secondsPerStep, secondsPerValidation } = speed;
  // Every so many epochs, and once more at the end where that is not one of them.
  const validations = Math.ceil(num_epochs / val_every_epochs);
  const ofValidations = validations * (secondsPerValidation ?? 0);
  const whole = (steps * secondsPerStep + ofValidations) / 3600;
  const epochs = Math.min(num_epochs, (num_epochs * hours) / whole);
  const each = validations === 1 ? 'the validation' : `each of ${validations} validations`;
  const measured =
    secondsPerValidation === undefined
      ? `at ${secondsPerStep.toFixed(2)} s a step, as the trial took, and without validations, of which it had none,`
      : `at ${secondsPerStep.toFixed(2)} s a step and ${secondsPerValidation.toFixed(1)} s for ${each}, as the trial took,`;
  lines.push(
    `${measured} all epochs take ${duration(whole * 3600)}${price > 0 ? ` and cost ${usd((whole + budget_reserve_hours) * price)}; the budget ends after ${epochs.toFixed(1)} epochs` : ''}`,
  );
  return lines;
}
