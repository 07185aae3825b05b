import { describe, expect, it } from 'vitest';
import { convexHull } from '../../../workers/image/convexHull.js';
import { outlinePoints } from '../../../workers/image/outlinePoints.js';
import { splineWeights } from '../../../workers/image/thinPlateSpline.js';
import { keyedGenerator } from '../../../workers/index.js';
import { drift } from '../../../workers/synthesis/stages/drift.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { boundaryWalk, tps } from '../../../workers/synthesis/stages/tps.js';
import { compare } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const SIZE = 112;

async function drifted(frames: number, stored = syntheticClip({ frames, size: SIZE })) {
  const clip = clipOf(stored);
  await applyStage(mask, clip, { landmarks68_prob: 0 });
  await applyStage(drift, clip, { prob: 0 });
  return clip;
}

describe('boundaryWalk', () => {
  it('walks in normal steps from 0 and is thrown back at its bound', () => {
    const limits = { points: 12, step: 0.4, max: 3 };
    const walk = boundaryWalk(400, limits, keyedGenerator('walk'));
    const free = keyedGenerator('walk');
    const steps: number[] = [];
    // Folding with a remainder, step by step, in place of bouncing.
    const position = new Float64Array(24);
    expect(walk.subarray(0, 24)).toEqual(position);
    let worst = 0;
    walk.forEach((value, i) => {
      if (i < 24) return;
      const step = free.normal(0, 0.4);
      steps.push(step);
      const period = (((position[i % 24]! + step + 3) % 12) + 12) % 12;
      worst = Math.max(worst, Math.abs(value - ((period <= 6 ? period : 12 - period) - 3)));
      position[i % 24] = value;
    });
    expect(worst).toBeLessThan(1e-10);
    expect(Math.min(...walk)).toBeGreaterThanOrEqual(-3);
    expect(Math.max(...walk)).toBeLessThanOrEqual(3);
    expect(Math.sqrt(steps.reduce((sum, v) => sum + v * v, 0) / steps.length)).toBeCloseTo(0.4, 1);
    expect(Math.max(...walk)).toBeGreaterThan(2.9);
    expect(boundaryWalk(3, { points: 2, step: 1, max: 0 }, keyedGenerator('still'))).toEqual(new Float64Array(12));
  });
});

describe('tps', () => {
  it('with zero displacement is the identity, to the bit', async () => {
    const clip = await drifted(3);
    const before = clip.softMask!.slice();
    expect(await applyStage(tps, clip, { prob: 1, step: 0 })).toEqual({ tps: 1 });
    expect(compare(clip.softMask!, before).most).toBe(0);
  });

  it('happens as often as asked', async () => {
    let bent = 0;
    for (let seed = 0; seed < 200; seed++) {
      const clip = clipOf(syntheticClip({ frames: 1, size: 24 }));
      clip.softMask = new Float32Array(576).fill(1);
      clip.support = [{ x0: 0, y0: 0, x1: 24, y1: 24 }];
      bent += (await applyStage(tps, clip, {}, seed)).tps ?? 0;
    }
    expect(Math.abs(bent / 200 - 0.3)).toBeLessThan(0.1);
  });

  it('bends as the spline through points on the outline of the face, relative to each frame’s face', async () => {
    // The face of the second frame is larger and elsewhere: its control points have to follow it.
    const stored = syntheticClip({ frames: 2, size: SIZE });
    const half = stored.landmarks.length / 2;
    for (let i = 0; i < half; i += 2) {
      stored.landmarks[half + i] = 1.3 * stored.landmarks[i]! - 22;
      stored.landmarks[half + i + 1] = 1.2 * stored.landmarks[i + 1]! - 9;
    }
    const clip = await drifted(2, stored);
    // A soft outline, so that a difference of positions shows in proportion.
    const before = clip.softMask!.map((_, i) => {
      const [t, x, y] = [Math.floor(i / SIZE ** 2), i % SIZE, Math.floor((i % SIZE ** 2) / SIZE)];
      const far = Math.hypot((x - 56) / (30 + 8 * t), (y - 56) / (34 + 6 * t));
      return Math.max(0, Math.min(1, 4 * (1.1 - far)));
    });
    clip.softMask = before.slice();
    clip.support = clip.support!.map(() => ({ x0: 0, y0: 0, x1: SIZE, y1: SIZE }));
    const params = { prob: 1, step: 3, max: 9 };
    await applyStage(tps, clip, params, 7);

    const random = keyedGenerator('test', 7, 'tps');
    random.chance(1);
    const walk = boundaryWalk(2, { points: 12, step: 3, max: 9 }, random);
    const faces = [0, 1].map((t) => {
      const points = stored.landmarks.subarray(t * half, (t + 1) * half);
      const xs = [...points].filter((_, i) => i % 2 === 0);
      const ys = [...points].filter((_, i) => i % 2 === 1);
      const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, w: x1 - x0, h: y1 - y0, points };
    });
    // Both frames hold the same face, so the mean outline is either's.
    const { x, y, w, h, points } = faces[0]!;
    const outline = convexHull(points.map((v, i) => (i % 2 === 0 ? (v - x) / w : (v - y) / h)));
    const controls = Float64Array.of(...outlinePoints(outline, 12), -1, -1, 1, -1, -1, 1, 1, 1);
    let worst = 0;
    let moved = 0;
    for (let row = 4; row < SIZE - 4; row += 3)
      for (let column = 4; column < SIZE - 4; column += 3) {
        const face = faces[1]!;
        const place = Float64Array.of((column - face.x) / face.w, (row - face.y) / face.h);
        if (Math.max(Math.abs(place[0]!), Math.abs(place[1]!)) > 1) continue;
        const weights = splineWeights(controls, place)!;
        let [dx, dy] = [0, 0];
        for (let k = 0; k < 12; k++) {
          dx += (weights[k]! * walk[24 + 2 * k]! * SIZE) / 224;
          dy += (weights[k]! * walk[24 + 2 * k + 1]! * SIZE) / 224;
        }
        const exact = bilinear(before.subarray(SIZE ** 2), column - dx, row - dy);
        const at = SIZE ** 2 + row * SIZE + column;
        worst = Math.max(worst, Math.abs(clip.softMask![at]! - exact));
        moved = Math.max(moved, Math.abs(clip.softMask![at]! - before[at]!));
      }
    expect(moved).toBeGreaterThan(0.1);
    expect(worst).toBeLessThan(0.02);
    // The walk begins at 0.
    expect(compare(clip.softMask!.subarray(0, SIZE ** 2), before.subarray(0, SIZE ** 2)).most).toBe(0);
  });

  it('is 0 outside the support it reports', async () => {
    const clip = await drifted(4);
    await applyStage(tps, clip, { prob: 1, step: 4, max: 12 });
    const outside = clip.softMask!.filter((_, i) => {
      const [t, x, y] = [Math.floor(i / SIZE ** 2), i % SIZE, Math.floor((i % SIZE ** 2) / SIZE)];
      const box = clip.support![t]!;
      return x < box.x0 || x >= box.x1 || y < box.y0 || y >= box.y1;
    });
    expect(outside.length).toBeGreaterThan(1000);
    expect(outside.every((value) => value === 0)).toBe(true);
  });

  it('wants a mask that has drifted', async () => {
    await expect(applyStage(tps, clipOf(syntheticClip({ frames: 1, size: 24 })), { prob: 1 })).rejects.toThrow(
      'tps has to come after drift',
    );
  });
});

function bilinear(picture: Float32Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (column: number, row: number) => picture[row * SIZE + column]!;
  const [u, v] = [x - left, y - top];
  return (
    (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top)) +
    v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1))
  );
}
