import { describe, expect, it } from 'vitest';
import { framesAround } from '../../../workers/synthesis/stages/exchange.js';
import {
  CARRYING_POINTS,
  carryingPoints,
  nearestFrame,
  poseDistance,
  spreadOf,
} from '../../../workers/synthesis/stages/nearestPose.js';
import { syntheticClip } from '../syntheticClip.js';
import { movedFace } from './heldDonor.js';

const stored = syntheticClip({ frames: 6, size: 40 });
const face = carryingPoints(stored.landmarks, 81, 0);
const changed = (change: (x: number, y: number) => [number, number]): Float64Array => {
  const out = face.slice();
  for (let i = 0; i < out.length; i += 2) out.set(change(out[i]!, out[i + 1]!), i);
  return out;
};

describe('carrying points', () => {
  it('are the same of a clip with a forehead and of one without', () => {
    const short = syntheticClip({ frames: 6, size: 40, points: 68 });
    for (const frame of [0, 5])
      expect(carryingPoints(short.landmarks, 68, frame)).toEqual(carryingPoints(stored.landmarks, 81, frame));
    CARRYING_POINTS.forEach((point, i) => {
      expect([...carryingPoints(stored.landmarks, 81, 3).subarray(2 * i, 2 * i + 2)]).toEqual([
        ...stored.landmarks.subarray((3 * 81 + point) * 2, (3 * 81 + point) * 2 + 2),
      ]);
    });
  });

  it('leave out what coincides where eyes and mouth are closed', () => {
    for (const point of [37, 38, 40, 41, 43, 44, 46, 47, 60, 61, 62, 63, 64, 65, 66, 67])
      expect(CARRYING_POINTS).not.toContain(point);
  });
});

describe('poseDistance', () => {
  it('is 0 for the same face turned, of another size and elsewhere', () => {
    const [cos, sin] = [Math.cos(0.4), Math.sin(0.4)];
    const turned = changed((x, y) => [3 * (cos * x - sin * y) - 50, 3 * (sin * x + cos * y) + 7]);
    expect(poseDistance(turned, face)).toBeLessThan(1e-12);
    expect(poseDistance(face, turned)).toBeLessThan(1e-12);
  });

  it('grows the more a face is squeezed from the side, whatever its size', () => {
    const squeezed = (share: number) => changed((x, y) => [share * x, y]);
    const distances = [1, 0.95, 0.8, 0.6, 0.3].map((share) => poseDistance(squeezed(share), face));
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeGreaterThan(distances[i - 1]! + 0.01);
    const large = changed((x, y) => [0.8 * 5 * x, 5 * y]);
    expect(poseDistance(large, face)).toBeCloseTo(distances[2]!, 12);
    // Both in units of the other's spread.
    expect(
      poseDistance(
        face,
        changed((x, y) => [5 * 0.8 * x, 5 * y]),
      ),
    ).toBeCloseTo(poseDistance(face, squeezed(0.8)), 12);
    expect(distances.at(-1)).toBeLessThan(1);
  });

  it('equals what a search among similarities finds', () => {
    const other = changed((x, y) => [0.7 * x + 0.1 * y, y + 0.02 * x * x]);
    const least = poseDistance(face, other) * spreadOf(other);
    const rms = (a: number, b: number, tx: number, ty: number): number => {
      let sum = 0;
      for (let i = 0; i < face.length; i += 2)
        sum +=
          (a * face[i]! - b * face[i + 1]! + tx - other[i]!) ** 2 +
          (b * face[i]! + a * face[i + 1]! + ty - other[i + 1]!) ** 2;
      return Math.sqrt((2 * sum) / face.length);
    };
    let at = [1, 0, 0, 0];
    let best = Number.POSITIVE_INFINITY;
    for (let step = 1; step > 1e-7; ) {
      // Scale and turn move the far points by so many pixels as the shift does.
      const tries = [0, 1, 2, 3].flatMap((k) =>
        [step, -step].map((by) => {
          const next = [...at];
          const size = k < 2 ? by / 30 : by;
          next[k]! += size;
          if (k === 0) next[2]! -= size * 20;
          if (k === 0) next[3]! -= size * 20;
          if (k === 1) next[2]! += size * 20;
          if (k === 1) next[3]! -= size * 20;
          return next;
        }),
      );
      const scored = tries.map((each) => rms(...(each as [number, number, number, number])));
      const winner = scored.indexOf(Math.min(...scored));
      if (scored[winner]! < best) {
        best = scored[winner]!;
        at = tries[winner]!;
      } else step /= 2;
    }
    expect(best).toBeCloseTo(least, 4);
  });
});

/** Frame f is squeezed to so much of its width. */
const posed = (shares: number[], frameNumbers: number[] | null = shares.map((_, f) => f)) =>
  movedFace(syntheticClip({ frames: shares.length, size: 40, frameNumbers }), (x, y, f) => [shares[f]! * x, y]);

describe('nearestFrame', () => {
  it('is the frame of the nearest pose, the first of equals, never one without a face', () => {
    expect(nearestFrame(posed([0.5, 0.9, 0.97, 0.8]), face).frame).toBe(2);
    const twice = posed([0.5, 1, 1]);
    twice.landmarks.copyWithin(2 * 162, 162, 2 * 162);
    expect(nearestFrame(twice, face).frame).toBe(1);
    const nowhere = movedFace(posed([1, 0.6]), (x, y, f) => (f === 0 ? [5, 5] : [x, y]));
    expect(nearestFrame(nowhere, face).frame).toBe(1);
    expect(
      nearestFrame(
        movedFace(stored, () => [5, 5]),
        face,
      ).distance,
    ).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('framesAround', () => {
  const away = 0.5;
  it('takes frames about the nearest, inside its run', () => {
    expect(framesAround(posed([away, away, away, 1, away, away, away]), face, 3)).toEqual([2, 3, 4]);
    expect(framesAround(posed([1, away, away, away]), face, 3)).toEqual([0, 1, 2]);
    expect(framesAround(posed([away, away, away, 1]), face, 3)).toEqual([1, 2, 3]);
    expect(framesAround(posed([away, 1]), face, 1)).toEqual([1]);
    // Frame 3 begins another run.
    const numbers = [0, 1, 2, 10, 11, 12, 13];
    expect(framesAround(posed([away, away, away, 1, away, away, away], numbers), face, 3)).toEqual([3, 4, 5]);
    expect(framesAround(posed([away, away, 1, away, away, away, away], numbers), face, 3)).toEqual([0, 1, 2]);
  });

  it('goes forward and back in a run that is shorter, and never leaves it', () => {
    const numbers = [0, 1, 2, 10, 20, 21];
    const at = (frame: number) =>
      posed(
        Array.from({ length: 6 }, (_, f) => (f === frame ? 1 : away)),
        numbers,
      );
    expect(framesAround(at(1), face, 8)).toEqual([0, 1, 2, 1, 0, 1, 2, 1]);
    expect(framesAround(at(3), face, 4)).toEqual([3, 3, 3, 3]);
    expect(framesAround(at(5), face, 5)).toEqual([4, 5, 4, 5, 4]);
    for (let frame = 0; frame < 6; frame++)
      for (let count = 1; count < 9; count++) {
        const taken = framesAround(at(frame), face, count);
        const run = [0, 0, 0, 1, 2, 2];
        expect(taken.map((f) => run[f])).toEqual(new Array(count).fill(run[frame]));
        for (let i = 1; i < count; i++) expect(Math.abs(taken[i]! - taken[i - 1]!)).toBeLessThanOrEqual(1);
      }
  });

  it('takes all frames for one run where they have no numbers', () => {
    expect(framesAround(posed([away, away, 1, away], null), face, 4)).toEqual([0, 1, 2, 3]);
    expect(framesAround(posed([1], null), face, 3)).toEqual([0, 0, 0]);
  });
});
