import { concat, defer, EMPTY, filter, map, type OperatorFunction, of } from 'rxjs';
import { type Clock, monotonicClock } from './clock.js';

export type ProgressOptions = {
  /** The least time between two lines. Default 1000. */
  everyMs?: number;
  clock?: Clock;
};

/**
 * Formats the first value, then at most one every `everyMs`, and the last one in any case. Values in between are not
 * formatted at all. It looks at the clock when a value comes and needs no timer, so there is none to leak.
 *
 * @example
 * steps.pipe(progress(({ step, loss }) => `step ${step}  loss ${loss.toFixed(3)}`, { everyMs: 500 })).subscribe(print)
 */
export function progress<T>(
  format: (value: T) => string,
  { everyMs = 1000, clock = monotonicClock }: ProgressOptions = {},
): OperatorFunction<T, string> {
  return (source) =>
    defer(() => {
      let lastAt = Number.NEGATIVE_INFINITY;
      let held: { value: T } | undefined;
      const due = (value: T) => {
        const now = clock();
        if (now - lastAt < everyMs) {
          held = { value };
          return false;
        }
        held = undefined;
        lastAt = now;
        return true;
      };
      const last = defer(() => (held ? of(held.value) : EMPTY));
      return concat(source.pipe(filter(due)), last).pipe(map(format));
    });
}
