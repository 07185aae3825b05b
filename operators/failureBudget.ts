import { defer, type MonoTypeOperatorFunction, map } from 'rxjs';

/** How many items a value stands for, and how many of them failed. */
export type Tally = { tried: number; failed: number };

export type FailureBudgetOptions<T> = {
  /** The most failures in all. */
  maxCount: number;
  /** The largest share of failures among the items tried, 0..1. */
  maxRate: number;
  /** The rate is not judged before this many items were tried. */
  minSamples: number;
  /** Reads the counts from a value. Default: those of `retryThenQuarantine`. */
  tally?: (value: T) => Tally;
  /** Counts of an earlier run to go on from. */
  before?: Tally;
};

/** More items failed than the budget allows. */
export class FailureBudgetExceeded extends Error {
  override readonly name = 'FailureBudgetExceeded';
  constructor(
    readonly failed: number,
    readonly tried: number,
    limit: string,
  ) {
    super(`${failed} of ${tried} items failed; at most ${limit} may fail`);
  }
}

type Judged = { ok: boolean; failures: readonly unknown[] };

/**
 * Passes values on until too many failed, then errors in place of the value that broke the budget. It depends on the
 * ordered stream alone, so a run stops at the same item whatever the timing. Record failures upstream of it.
 *
 * @example
 * results.pipe(failureBudget({ maxCount: 100, maxRate: 0.2, minSamples: 20 }))
 *
 * @throws FailureBudgetExceeded (as the stream's error).
 */
export function failureBudget<T>(
  options: FailureBudgetOptions<T> & { tally: (value: T) => Tally },
): MonoTypeOperatorFunction<T>;
export function failureBudget<T extends Judged>(options: FailureBudgetOptions<T>): MonoTypeOperatorFunction<T>;
export function failureBudget<T>(options: FailureBudgetOptions<T>): MonoTypeOperatorFunction<T> {
  const { maxCount, maxRate, minSamples, before = { tried: 0, failed: 0 } } = options;
  const tally = options.tally ?? ((value: T) => tallyJudged(value as Judged));
  return (source) =>
    defer(() => {
      let { tried, failed } = before;
      return source.pipe(
        map((value) => {
          const counts = tally(value);
          tried += counts.tried;
          failed += counts.failed;
          if (failed > maxCount) throw new FailureBudgetExceeded(failed, tried, `${maxCount}`);
          if (tried >= minSamples && failed > maxRate * tried) {
            throw new FailureBudgetExceeded(failed, tried, `a share of ${maxRate}`);
          }
          return value;
        }),
      );
    });
}

function tallyJudged({ ok, failures }: Judged): Tally {
  return { tried: failures.length + (ok ? 1 : 0), failed: failures.length };
}
