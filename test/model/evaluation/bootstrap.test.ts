import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapIntervals, quantile } from '../../../model/evaluation/bootstrap.js';
import { keyedGenerator } from '../../../workers/index.js';

const options = (resamples: number, level = 0.95) => ({ resamples, level, uniform: keyedGenerator(3, 'b').uniform });

describe('bootstrapIntervals', () => {
  it('draws as many units as there are, each equally often', () => {
    const total = [0, 0, 0];
    bootstrapIntervals(
      3,
      (draws) => {
        expect(draws.reduce((sum, n) => sum + n, 0)).toBe(3);
        draws.forEach((n, i) => {
          total[i] = total[i]! + n;
        });
        return { none: 0 };
      },
      options(3000),
    );
    // 9000 draws of three units: the standard deviation of each count is 45.
    for (const count of total) expect(Math.abs(count - 3000)).toBeLessThan(200);
  });

  it('has the exact interval of a mean of two values, which is low, middle or high by ¼, ½, ¼', () => {
    const values = [2, 6];
    const mean = (draws: Uint32Array) => ({ mean: (draws[0]! * values[0]! + draws[1]! * values[1]!) / 2 });
    expect(bootstrapIntervals(2, mean, options(4000)).mean).toEqual({ low: 2, high: 6, resamples: 4000 });
    expect(bootstrapIntervals(2, mean, options(4000, 0.4)).mean).toEqual({ low: 4, high: 4, resamples: 4000 });
  });

  it('leaves out draws without a value and says how many were left; null when half had none', () => {
    const { often, seldom } = bootstrapIntervals(
      2,
      // Both units: half of the draws. Any but the first twice: three quarters.
      (draws) => ({
        often: draws[0] === 2 ? Number.NaN : 1,
        seldom: draws[0] === 2 ? 1 : Number.NaN,
      }),
      options(4000),
    );
    expect(often).toMatchObject({ low: 1, high: 1 });
    expect(Math.abs(often!.resamples - 3000)).toBeLessThan(150);
    expect(seldom).toBeNull();
  });

  it('takes quantiles between neighbours by a straight line', () => {
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([5], 0.3)).toBe(5);
    expect(quantile([], 0.5)).toBeNaN();
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const sorted = [...values].sort((a, b) => a - b);
          const at = quantile(sorted, share);
          // NumPy's definition of `linear`: as many values at or below it as the share asks for.
          expect(sorted.filter((value) => value <= at + 1e-12).length).toBeGreaterThanOrEqual(
            Math.floor(share * (values.length - 1)) + 1,
          );
        },
      ),
    );
  });
});
