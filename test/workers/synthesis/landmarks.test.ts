import { describe, expect, it } from 'vitest';
import { flip, mirrorLandmarks } from '../../../workers/synthesis/stages/flip.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { prepareLandmarks, smoothOverTime } from '../../../workers/synthesis/stages/prepareLandmarks.js';
import { compare, reference } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

describe('prepare_landmarks', () => {
  it("smooths each run like SciPy's gaussian_filter1d", () => {
    const values = Float64Array.from(reference('walk').data as Float64Array);
    smoothOverTime(values, 16, 2, 1);
    expect(compare(values, reference('walk_smoothed').data as Float64Array).most).toBeLessThan(1e-6);
  });

  it("puts dlib's forehead points into order and leaves ordered ones alone", async () => {
    const stored = syntheticClip({ frames: 2, size: 24 });
    const dlib = [77, 75, 76, 68, 69, 70, 71, 80, 72, 73, 79, 74, 78];
    const shuffled = { ...stored, landmarks: stored.landmarks.slice() };
    for (let f = 0; f < 2; f++)
      dlib.forEach((place, i) => {
        for (const axis of [0, 1])
          shuffled.landmarks[(f * 81 + place) * 2 + axis] = stored.landmarks[(f * 81 + 68 + i) * 2 + axis]!;
      });
    for (const [start, forehead] of [
      [shuffled, 'auto'],
      [shuffled, 'dlib'],
      [stored, 'auto'],
      [stored, 'ordered'],
    ] as const) {
      const clip = clipOf(start);
      await applyStage(prepareLandmarks, clip, { forehead, smooth_sigma: 0 });
      expect(clip.landmarks).toEqual(stored.landmarks);
    }
  });

  it('leaves 68-point clips their points', async () => {
    const stored = syntheticClip({ frames: 2, size: 24, points: 68 });
    const clip = clipOf(stored);
    await applyStage(prepareLandmarks, clip, { smooth_sigma: 0 });
    expect(clip.landmarks).toEqual(stored.landmarks);
  });
});

describe('flip', () => {
  it('twice is the identity, for pixels and landmarks', async () => {
    for (const points of [68, 81] as const) {
      const stored = syntheticClip({ frames: 2, size: 24, points });
      const clip = clipOf(stored);
      await applyStage(flip, clip, { prob: 1 });
      expect(clip.landmarks).not.toEqual(stored.landmarks);
      await applyStage(flip, clip, { prob: 1 });
      expect(compare(clip.landmarks, stored.landmarks).most).toBeLessThan(1e-12);
      expect(Buffer.compare(clip.target, stored.pixels)).toBe(0);
    }
  });

  it('mirrors the picture, and the mask drawn from mirrored landmarks is the mirrored mask', async () => {
    const stored = syntheticClip({ frames: 2, size: 40 });
    const straight = clipOf(stored);
    const mirrored = clipOf(stored);
    await applyStage(flip, mirrored, { prob: 1 });
    for (const clip of [straight, mirrored])
      await applyStage(mask, clip, { types: ['components'], landmarks68_prob: 0 });
    for (let i = 0; i < 2 * 40 * 40; i++) {
      const other = i - (i % 40) + 39 - (i % 40);
      expect(mirrored.hardMask![i]).toBe(straight.hardMask![other]);
      expect(mirrored.target[3 * i]).toBe(straight.target[3 * other]);
    }
  });

  it('keeps what every point means: the first jaw point stays left in the picture, eyes stay eyes', () => {
    const { landmarks } = syntheticClip({ frames: 1, size: 100 });
    const mirrored = landmarks.slice();
    mirrorLandmarks(mirrored, 81, 100);
    const x = (list: Float64Array, p: number): number => list[2 * p]!;
    for (const [left, right] of [
      [0, 16],
      [17, 26],
      [31, 35],
      [36, 45],
      [41, 46],
      [48, 54],
      [59, 55],
      [60, 64],
      [67, 65],
      [68, 80],
    ] as const) {
      expect(x(landmarks, left)).toBeLessThan(x(landmarks, right));
      expect(x(mirrored, left)).toBeLessThan(x(mirrored, right));
      expect(x(mirrored, left)).toBeCloseTo(99 - x(landmarks, right), 10);
    }
    // A symmetric face stays where it was, point for point.
    const centre = 99 / 2;
    const shift = centre - x(landmarks, 27);
    const symmetric = landmarks.map((v, i) => (i % 2 === 0 ? v + shift : v));
    const again = symmetric.slice();
    mirrorLandmarks(again, 81, 100);
    expect(compare(again, symmetric).most).toBeLessThan(0.6);
  });

  it('happens as often as asked', async () => {
    const stored = syntheticClip({ frames: 1, size: 16 });
    let flipped = 0;
    for (let seed = 0; seed < 400; seed++) {
      const clip = clipOf(stored);
      await applyStage(flip, clip, { prob: 0.25 }, seed);
      flipped += Number(clip.flipped);
    }
    expect(Math.abs(flipped / 400 - 0.25)).toBeLessThan(0.09);
  });
});
