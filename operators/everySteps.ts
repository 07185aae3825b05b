import { type Clock, monotonicClock } from './clock.js';

export type EveryStepsOptions = {
  /** Due when the count of steps done is a multiple of this. Counted from the first step of the first run. */
  steps?: number;
  /** Due as well when this many milliseconds have passed since it was last due. */
  ms?: number;
  clock?: Clock;
};

/**
 * Makes a predicate over the count of steps done (1, 2, …) that says when something periodic is due. By the multiple of
 * an absolute count, not by counting calls, so that a resumed run keeps the rhythm of an unbroken one.
 *
 * @example
 * const due = everySteps({ steps: 200, ms: 10 * 60_000 });
 * if (due(step + 1)) await trainer.save();
 *
 * @throws RangeError if neither `steps` nor `ms` is given, or one is not positive.
 */
export function everySteps({ steps, ms, clock = monotonicClock }: EveryStepsOptions): (stepsDone: number) => boolean {
  for (const [name, value] of Object.entries({ steps, ms })) {
    if (value !== undefined && !(value > 0)) {
      throw new RangeError(`Expected a positive number for ${name} but received ${value} of type ${typeof value}`);
    }
  }
  if (steps === undefined && ms === undefined) {
    throw new RangeError('Expected steps, ms or both but received neither');
  }
  let lastDue = clock();
  return (stepsDone) => {
    const now = clock();
    const due = (steps !== undefined && stepsDone % steps === 0) || (ms !== undefined && now - lastDue >= ms);
    if (due) lastDue = now;
    return due;
  };
}
