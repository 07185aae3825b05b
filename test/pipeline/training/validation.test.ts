import { describe, expect, it } from 'vitest';
import { Validation } from '../../../pipeline/training/validation.js';
import type { ClipPair } from '../../../workers/index.js';

/* Pairs of one pixel; the scores come from a table, in the order in which the pairs are asked for. */

const pairOf = (id: string): ClipPair => ({
  ...{ id, shape: [1, 1, 1, 3], bytes: new Uint8Array(6), stageMs: {}, counters: {} },
});

/** `scores`: of the real and the fake of each pair. */
function validate(scores: readonly [number, number][]) {
  let asked = 0;
  const validation = new Validation({
    ...{ ids: scores.map((_, i) => `c${i}`), pairs: scores.length, pairsPerBatch: 2, threads: 2 },
    taskOf: (id: string) => ({ source: { id, crops: '', landmarks: '' } }) as never,
    run: async ({ source }: { source: { id: string } }) => pairOf(source.id),
    actor: {
      score: async ({ count }: { count: number }) => {
        const probability = Float32Array.from(scores.flat().slice(asked, asked + count));
        asked += count;
        return { probability };
      },
    } as never,
    onFailure: () => {},
  });
  return validation.run(new AbortController().signal);
}

describe('validation', () => {
  it('says how often a fake scores above its own original, a tie counting half, apart from how all are ranked', async () => {
    // What the people of a pair share moves both its scores: each fake is right beside its own, and not in the whole.
    const shifted = await validate([
      [0.1, 0.2],
      [0.5, 0.6],
      [0.75, 0.875],
    ]);
    expect(shifted).toMatchObject({ inPair: 1, pairs: 3 });
    expect(shifted!.auc).toBeCloseTo(6 / 9, 12);
    const mixed = await validate([
      [0.5, 0.5],
      [0.25, 0.75],
      [0.75, 0.25],
      [0.125, 0.5],
    ]);
    expect(mixed).toMatchObject({ inPair: 2.5 / 4, pairs: 4 });
  });

  it('refuses scores that are no numbers', async () => {
    await expect(validate([[0.5, Number.NaN]])).rejects.toThrow('scores that are not finite');
  });
});
