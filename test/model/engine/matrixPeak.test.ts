import { afterEach, describe, expect, it, vi } from 'vitest';
import { measureMatrixPeak, settledRate } from '../../../model/engine/matrixPeak.js';
import { StepRunner } from '../../../model/engine/recording/stepRunner.js';
import { startEngine } from '../../../model/engine/startEngine.js';

/** Hardware of a rate that starts a product after some time: small ones do not show the rate. */
function hardware(rate: number, startSeconds: number) {
  const sizes: number[] = [];
  const secondsOf = (size: number) => {
    sizes.push(size);
    return startSeconds + (2 * size ** 3) / rate;
  };
  return { sizes, secondsOf };
}

describe('the peak of matrix products', () => {
  it('is that of a size from which on the rate grows no more', () => {
    const { sizes, secondsOf } = hardware(300e12, 20e-6);
    const peak = settledRate(secondsOf);
    expect(sizes).toEqual([1024, 2048, 4096, 8192]);
    expect(peak / 300e12).toBeGreaterThan(0.95);
    // The smallest alone would say that the hardware can do a quarter of that.
    expect((2 * 1024 ** 3) / secondsOf(1024) / 300e12).toBeLessThan(0.3);
  });

  it('is known at once where little is lost at the start', () => {
    const { sizes, secondsOf } = hardware(1e12, 1e-6);
    expect(settledRate(secondsOf) / 1e12).toBeCloseTo(1, 2);
    expect(sizes).toEqual([1024, 2048]);
  });

  it('is not looked for with products that take long', () => {
    const { sizes, secondsOf } = hardware(20e9, 0);
    expect(settledRate(secondsOf)).toBeCloseTo(20e9, -6);
    expect(sizes).toEqual([1024]);
  });

  it('is the best seen, where a larger product falls behind', () => {
    expect(settledRate((size) => (2 * size ** 3) / (size === 1024 ? 2e12 : 1e12))).toBe(2e12);
  });
});

describe('measuring it', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(['float32', 'bfloat16'] as const)(
    'multiplies as training does in %s',
    async (dtype) => {
      await startEngine('auto');
      const run = vi.spyOn(StepRunner.prototype, 'run');
      const peak = measureMatrixPeak(dtype);
      expect(run.mock.calls.length).toBeGreaterThanOrEqual(4);
      for (const [, , , options] of run.mock.calls) expect(options).toEqual({ bfloat16: dtype === 'bfloat16' });
      expect(peak).toBeGreaterThan(1e8);
      expect(peak).toBeLessThan(1e14);
    },
    60_000,
  );
});
