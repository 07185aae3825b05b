import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf } from '../../../workers/preprocessing/videoClips.js';

describe('partsOf', () => {
  it('gives every clip neighbouring runs of its own, and leaves over what is too few for one more', () => {
    expect(partsOf(8, 2, 4)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(partsOf(4, 1, 8)).toEqual([[0], [1], [2], [3]]);
    expect(partsOf(3, 4, 8)).toEqual([]);
    expect(partsOf(20, 4, 2)).toEqual([
      [1, 3, 6, 8],
      [11, 13, 16, 18],
    ]);
  });

  it('never uses a run twice, and keeps the order of time', () => {
    const counts = [fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 })];
    fc.assert(
      fc.property(
        ...(counts as [(typeof counts)[0], (typeof counts)[0], (typeof counts)[0]]),
        (runs, segments, most) => {
          const parts = partsOf(runs, segments, most);
          expect(parts).toHaveLength(Math.min(most, Math.floor(runs / segments)));
          const all = parts.flat();
          expect(all.every((run, i) => run >= 0 && run < runs && (i === 0 || run > all[i - 1]!))).toBe(true);
          for (const part of parts) expect(part).toHaveLength(segments);
        },
      ),
    );
  });
});
