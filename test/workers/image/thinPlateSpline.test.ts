import { describe, expect, it } from 'vitest';
import { bendMask, type DisplacementGrid } from '../../../workers/image/bendMask.js';
import { wholeBox } from '../../../workers/image/box.js';
import { outlinePoints } from '../../../workers/image/outlinePoints.js';
import { solveDense } from '../../../workers/image/solveDense.js';
import { splineThrough, splineWeights } from '../../../workers/image/thinPlateSpline.js';
import { keyedGenerator } from '../../../workers/index.js';
import { reference, referenceNumbers } from '../motionBlendReference.js';
import { compare } from '../reference.js';

const [H, W] = reference('mask').shape as [number, number];
const controls = Float64Array.from(referenceNumbers('tps_controls'));
const values = referenceNumbers('tps_values');

const apply = (weights: Float64Array): number[] =>
  Array.from({ length: (weights.length / 16) * 2 }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < 16; k++) sum += weights[Math.floor(i / 2) * 16 + k]! * values[2 * k + (i % 2)]!;
    return sum;
  });

describe('solveDense', () => {
  it('solves systems whose first pivots are 0, and says when there is no solution', () => {
    const random = keyedGenerator('dense');
    for (const n of [1, 2, 5, 19]) {
      const matrix = Float64Array.from({ length: n * n }, (_, i) =>
        n > 1 && i % (n + 1) === 0 && i < n * 2 ? 0 : random.normal(),
      );
      const exact = Float64Array.from({ length: n * 3 }, () => random.normal());
      const right = new Float64Array(n * 3);
      for (let i = 0; i < n; i++)
        for (let k = 0; k < 3; k++)
          for (let j = 0; j < n; j++) right[i * 3 + k]! += matrix[i * n + j]! * exact[j * 3 + k]!;
      expect(solveDense(matrix, right, n)).toBe(true);
      expect(compare(right, exact).most).toBeLessThan(1e-9);
    }
    expect(solveDense(Float64Array.of(1, 2, 2, 4), Float64Array.of(1, 1), 2)).toBe(false);
    expect(solveDense(new Float64Array(9), new Float64Array(3), 3)).toBe(false);
  });
});

describe('splineWeights', () => {
  it("equals SciPy's thin-plate spline", () => {
    const weights = splineWeights(controls, Float64Array.from(referenceNumbers('tps_places')))!;
    expect(compare(apply(weights), referenceNumbers('tps_at_places')).most).toBeLessThan(1e-9);
  });

  it('passes through its control points and reproduces affine maps', () => {
    const weights = splineWeights(controls, controls)!;
    expect(compare(apply(weights), values).most).toBeLessThan(1e-9);
    const place = Float64Array.of(0.31, -0.7);
    const [row] = [splineWeights(controls, place)!];
    const affine = (x: number, y: number) => 2 - 3 * x + 0.5 * y;
    let sum = 0;
    for (let k = 0; k < 16; k++) sum += row[k]! * affine(controls[2 * k]!, controls[2 * k + 1]!);
    expect(sum).toBeCloseTo(affine(0.31, -0.7), 9);
  });

  it('has none for points on one line', () => {
    const line = Float64Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? i : 2 * i + 1));
    expect(splineWeights(line, Float64Array.of(0, 0))).toBeNull();
  });
});

describe('splineThrough', () => {
  const places = Float64Array.from(referenceNumbers('tps_places'));
  const known = Float64Array.from(values);

  it('gives what the weights give for its values, a surface for each column', () => {
    const surfaces = splineThrough(controls, known, places)!;
    expect(compare(surfaces, apply(splineWeights(controls, places)!)).most).toBeLessThan(1e-10);
    expect(compare(surfaces, referenceNumbers('tps_at_places')).most).toBeLessThan(1e-9);
    const first = known.filter((_, i) => i % 2 === 0);
    const alone = splineThrough(controls, first, places)!;
    expect(
      compare(
        alone,
        surfaces.filter((_, i) => i % 2 === 0),
      ).most,
    ).toBeLessThan(1e-10);
    expect(known).toEqual(Float64Array.from(values));
  });

  it('with relaxation takes the mean of points in one place, and misses the others by next to nothing', () => {
    const twice = Float64Array.of(...controls, controls[0]!, controls[1]!);
    const given = Float64Array.of(...known, known[0]! + 2, known[1]! - 4);
    expect(splineThrough(twice, given, controls)).toBeNull();
    const surfaces = splineThrough(twice, given, controls, 1e-6)!;
    const wanted = known.slice();
    wanted[0]! += 1;
    wanted[1]! -= 2;
    expect(compare(surfaces, wanted).most).toBeLessThan(1e-3);
  });

  it('is none for points on one line, relaxed or not', () => {
    const line = Float64Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? i : 2 * i + 1));
    for (const relaxation of [0, 1e-6])
      expect(splineThrough(line, new Float64Array(6), Float64Array.of(0, 0), relaxation)).toBeNull();
  });

  it('with much relaxation becomes the plane of least squares', () => {
    const plane = (x: number, y: number) => 1 + 2 * x - y;
    const level = Float64Array.from({ length: 16 }, (_, k) => plane(controls[2 * k]!, controls[2 * k + 1]!));
    const noise = level.map((v, k) => v + (k % 2 === 0 ? 0.3 : -0.3));
    const surface = splineThrough(controls, noise, controls, 1e5)!;
    // What least squares leave is at right angles to 1, x and y; a plane has its middle halfway.
    for (const term of [() => 1, (k: number) => controls[2 * k]!, (k: number) => controls[2 * k + 1]!]) {
      let sum = 0;
      for (let k = 0; k < 16; k++) sum += (surface[k]! - noise[k]!) * term(k);
      expect(Math.abs(sum)).toBeLessThan(1e-4);
    }
    const [start, middle, end] = splineThrough(controls, noise, Float64Array.of(0, 0, 0.3, -0.2, 0.6, -0.4), 1e5)!;
    expect(Math.abs(start! + end! - 2 * middle!)).toBeLessThan(1e-3);
    expect(compare(surface, noise).most).toBeGreaterThan(0.1);
  });
});

const [left, top, stepX, stepY] = referenceNumbers('grid_place') as [number, number, number, number];
const field: DisplacementGrid = {
  nodes: 28,
  left,
  top,
  stepX,
  stepY,
  dx: Float64Array.from(referenceNumbers('grid_dx')),
  dy: Float64Array.from(referenceNumbers('grid_dy')),
};

describe('bendMask', () => {
  it("equals SciPy's map_coordinates through the bilinear field, 0 from outside", () => {
    for (const [name, bent] of [
      ['mask', 'bent_mask'],
      ['border_mask', 'bent_border_mask'],
    ] as const) {
      const out = new Float32Array(W * H);
      const box = bendMask(Float32Array.from(referenceNumbers(name)), out, 0, W, H, wholeBox(W, H), field);
      expect(compare(out, referenceNumbers(bent)).most, name).toBeLessThan(1e-6);
      expect(box).toEqual(wholeBox(W, H));
    }
  });

  it('works within the mask’s surroundings alone and reports them', () => {
    const mask = Float32Array.from(referenceNumbers('mask'));
    const whole = new Float32Array(W * H);
    bendMask(mask, whole, 0, W, H, wholeBox(W, H), field);
    const box = { x0: W, y0: H, x1: 0, y1: 0 };
    mask.forEach((m, i) => {
      if (m === 0) return;
      box.x0 = Math.min(box.x0, i % W);
      box.x1 = Math.max(box.x1, (i % W) + 1);
      box.y0 = Math.min(box.y0, Math.floor(i / W));
      box.y1 = Math.max(box.y1, Math.floor(i / W) + 1);
    });
    const part = new Float32Array(W * H);
    const reported = bendMask(mask, part, 0, W, H, box, field);
    expect(part).toEqual(whole);
    expect(reported.x1 - reported.x0).toBeLessThan(W);
  });

  it('with no displacement is the identity, to the bit', () => {
    const random = keyedGenerator('bend');
    const mask = Float32Array.from({ length: W * H }, () => random.uniform());
    const out = new Float32Array(W * H);
    const still = { ...field, dx: new Float64Array(784), dy: new Float64Array(784) };
    bendMask(mask, out, 0, W, H, wholeBox(W, H), still);
    expect(out).toEqual(mask);
  });
});

describe('outlinePoints', () => {
  it('walks round a polygon in equal steps', () => {
    const square = Float64Array.of(0, 0, 2, 0, 2, 2, 0, 2);
    expect([...outlinePoints(square, 8)]).toEqual([0, 0, 1, 0, 2, 0, 2, 1, 2, 2, 1, 2, 0, 2, 0, 1]);
    const thin = outlinePoints(Float64Array.of(0, 0, 6, 0, 6, 1), 3);
    const perimeter = 6 + 1 + Math.sqrt(37);
    expect(thin[2]).toBeCloseTo(perimeter / 3, 12);
    expect(thin[4]).toBeLessThan(6);
  });
});
