import { describe, expect, it } from 'vitest';
import { withoutTwins } from '../../../workers/preprocessing/followRun.js';

describe('withoutTwins', () => {
  const track = (x: number, y: number, side: number, score: number) => ({
    place: { x, y, width: side, height: side },
    score,
  });

  it('keeps the surer of two tracks of one face, whatever their sizes, and people side by side', () => {
    const [face, larger, neighbour] = [track(100, 100, 80, 0.9), track(110, 120, 160, 0.7), track(200, 100, 80, 0.6)];
    expect(withoutTwins([larger, face])).toEqual([face]);
    expect(withoutTwins([face, neighbour])).toEqual([face, neighbour]);
    expect(withoutTwins([face, { ...face }])).toEqual([face]); // the first of equals
    // In the order that they came in, the largest first.
    expect(withoutTwins([neighbour, face])).toEqual([neighbour, face]);
    // A twin that goes takes nobody with it.
    const between = track(139, 100, 80, 0.8);
    const beyond = track(178, 100, 80, 0.7);
    expect(withoutTwins([face, between, beyond])).toEqual([face, beyond]);
    expect(withoutTwins([])).toEqual([]);
  });
});
