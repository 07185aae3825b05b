import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../pipeline/sampler.js';

const ids = (n: number) => Array.from({ length: n }, (_, i) => `c${i}`);

describe('Sampler', () => {
  it('shows every clip in every epoch, and each as often as any other but for the filled-up last step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(5),
        (n, pairsPerMicro, gradAccum, epoch) => {
          const sampler = new Sampler({ ids: ids(n), seed: 1, pairsPerMicro, gradAccum });
          const first = epoch * sampler.stepsPerEpoch + 1;
          const plans = [...sampler.plans(first, first + sampler.stepsPerEpoch - 1)];
          expect(plans).toHaveLength(sampler.stepsPerEpoch * pairsPerMicro * gradAccum);
          const counts = new Map(ids(n).map((id) => [id, 0]));
          for (const { candidates } of plans) counts.set(candidates[0]!, counts.get(candidates[0]!)! + 1);
          const least = Math.floor(plans.length / n);
          for (const count of counts.values()) {
            expect(count).toBeGreaterThanOrEqual(least);
            expect(count).toBeLessThanOrEqual(least + 1);
          }
          expect(new Set(plans.map(({ key }) => key.epoch))).toEqual(new Set([epoch]));
          expect(plans.map(({ key }) => key.position)).toEqual(plans.map((_, i) => i));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives the remaining plans of an unbroken run when started at any step', () => {
    const make = () => new Sampler({ ids: ids(11), seed: 9, pairsPerMicro: 2, gradAccum: 2 });
    const all = [...make().plans(1, 12)];
    for (let step = 1; step <= 12; step++)
      expect([...make().plans(step, 12)]).toEqual(all.slice((step - 1) * make().pairsPerStep));
  });

  it('numbers steps from 1 and micro-batches from 0', () => {
    const sampler = new Sampler({ ids: ids(4), seed: 0, pairsPerMicro: 1, gradAccum: 2 });
    const places = [...sampler.plans(1, 3)].map(({ step, micro }) => [step, micro]);
    expect(places).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [3, 0],
      [3, 1],
    ]);
    expect(sampler.epochOf(2)).toBe(0);
    expect(sampler.epochOf(3)).toBe(1);
  });

  it('shuffles anew each epoch and for each seed, and names distinct substitutes', () => {
    const order = (seed: number, epoch: number) =>
      [
        ...new Sampler({ ids: ids(30), seed, pairsPerMicro: 1, gradAccum: 1 }).plans(epoch * 30 + 1, epoch * 30 + 30),
      ].map(({ candidates }) => candidates[0]);
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
    for (const { candidates } of new Sampler({ ids: ids(9), seed: 3, pairsPerMicro: 3, gradAccum: 1 }).plans(1, 3)) {
      expect(new Set(candidates).size).toBe(candidates.length);
      expect(candidates).toHaveLength(5);
    }
  });

  it('refuses an empty list', () => {
    expect(() => new Sampler({ ids: [], seed: 0, pairsPerMicro: 1, gradAccum: 1 })).toThrow(/at least one clip/);
  });
});
