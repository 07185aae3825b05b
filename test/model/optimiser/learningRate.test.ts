import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../../model/optimiser/learningRate.js';

const schedule = { lr: 5e-4, minLr: 1e-6, warmupSteps: 50, totalSteps: 700 };

describe('learning rate', () => {
  it('rises in equal steps from the first, which is not zero', () => {
    expect(learningRateAt(0, schedule)).toBeCloseTo(5e-4 / 50, 12);
    expect(learningRateAt(24, schedule)).toBeCloseTo(2.5e-4, 12);
    expect(learningRateAt(49, schedule)).toBeCloseTo(5e-4, 12);
  });

  it('is at its peak when the warm-up ends, half way in the middle, and at the floor at the end', () => {
    expect(learningRateAt(50, schedule)).toBe(5e-4);
    expect(learningRateAt(375, schedule)).toBeCloseTo((5e-4 + 1e-6) / 2, 12);
    expect(learningRateAt(700, schedule)).toBeCloseTo(1e-6, 15);
  });

  it('falls all the way and stays at the floor', () => {
    const rates = Array.from({ length: 651 }, (_, i) => learningRateAt(50 + i, schedule));
    for (let i = 1; i < rates.length; i++) expect(rates[i]!).toBeLessThan(rates[i - 1]!);
    expect(learningRateAt(5000, schedule)).toBeCloseTo(1e-6, 15);
  });

  it('does without warm-up, and with nothing but warm-up', () => {
    expect(learningRateAt(0, { ...schedule, warmupSteps: 0 })).toBe(5e-4);
    expect(learningRateAt(9, { ...schedule, warmupSteps: 10, totalSteps: 10 })).toBeCloseTo(5e-4, 12);
    expect(learningRateAt(10, { ...schedule, warmupSteps: 10, totalSteps: 10 })).toBeCloseTo(1e-6, 15);
  });

  it('warms up from a later step, where a run went back to', () => {
    const again = { ...schedule, warmupFrom: 300 };
    expect(learningRateAt(300, again)).toBeCloseTo(5e-4 / 50, 12);
    expect(learningRateAt(349, again)).toBeCloseTo(5e-4, 12);
    expect(learningRateAt(525, again)).toBeCloseTo((5e-4 + 1e-6) / 2, 12); // half way from 350 to 700
    expect(learningRateAt(700, again)).toBeCloseTo(1e-6, 15);
  });
});
