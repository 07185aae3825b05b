import { describe, expect, it } from 'vitest';
import { convexHull } from '../../../workers/image/convexHull.js';
import { fillConvex, fillConvexAntialiased } from '../../../workers/image/fillConvex.js';
import { keyedGenerator } from '../../../workers/index.js';
import { compare, reference, referenceBytes } from '../reference.js';

const [H, W] = reference('polygon_mask').shape as [number, number];
const corners = reference('polygon').data as Float64Array;

/** Signed area test against every edge, the slow way. Positive inside a counter-clockwise polygon. */
function depth(polygon: Float64Array, x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    const [ex, ey] = [polygon[j]! - polygon[i]!, polygon[j + 1]! - polygon[i + 1]!];
    least = Math.min(least, (ex * (y - polygon[i + 1]!) - ey * (x - polygon[i]!)) / Math.hypot(ex, ey));
  }
  return least;
}

describe('convexHull', () => {
  it('has the corners that OpenCV finds', () => {
    const points = (flat: ArrayLike<number>): string[] =>
      Array.from({ length: flat.length / 2 }, (_, i) => `${flat[2 * i]},${flat[2 * i + 1]}`).sort();
    expect(points(convexHull(corners))).toEqual(points(reference('polygon_hull').data as Float64Array));
  });

  it('holds every point, and every corner is one of them', () => {
    for (let round = 0; round < 50; round++) {
      const random = keyedGenerator('hull', round);
      const cloud = Float64Array.from({ length: 40 }, () => random.integer(0, 12));
      const hull = convexHull(cloud);
      for (let i = 0; i < cloud.length; i += 2)
        expect(depth(hull, cloud[i]!, cloud[i + 1]!)).toBeGreaterThanOrEqual(-1e-12);
      // Strictly convex: the corner between two others lies to the side of their line.
      for (let i = 0; i < hull.length; i += 2) {
        const at = (k: number): number => hull[(i + k) % hull.length]!;
        const turn = (at(2) - at(0)) * (at(5) - at(1)) - (at(3) - at(1)) * (at(4) - at(0));
        expect(turn).toBeGreaterThan(0);
      }
    }
  });

  it('of points on a line or in one place is no area', () => {
    expect(convexHull(Float64Array.of(1, 1, 2, 2, 3, 3)).length).toBe(4);
    expect(convexHull(Float64Array.of(4, 5, 4, 5)).length).toBe(2);
  });
});

describe('fillConvex', () => {
  it("equals OpenCV's fillConvexPoly but for pixels that only its outline touches", () => {
    const mask = new Uint8Array(W * H);
    const hull = convexHull(corners);
    const box = fillConvex(mask, 0, W, H, hull);
    expect(box).toEqual({ x0: 4, y0: 3, x1: 24, y1: 22 });
    referenceBytes('polygon_mask').forEach((wanted, i) => {
      if (mask[i] !== wanted) expect(Math.abs(depth(hull, i % W, Math.floor(i / W)))).toBeLessThan(0.75);
    });
    expect(compare(mask, referenceBytes('polygon_mask')).share).toBeLessThan(0.05);
  });

  it('sets exactly the pixels whose centre lies in the polygon, also beyond the picture', () => {
    for (let round = 0; round < 40; round++) {
      const random = keyedGenerator('polygons', round);
      const hull = convexHull(Float64Array.from({ length: 16 }, () => random.between(-8, 34)));
      const mask = new Uint8Array(W * H);
      const box = fillConvex(mask, 0, W, H, hull);
      for (let i = 0; i < mask.length; i++) {
        const [x, y] = [i % W, Math.floor(i / W)];
        const inside = depth(hull, x, y);
        if (Math.abs(inside) > 1e-6) expect(mask[i]).toBe(inside > 0 ? 255 : 0);
        if (mask[i]) expect(x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1).toBe(true);
      }
    }
  });

  it('reports an empty box for a polygon outside', () => {
    const mask = new Uint8Array(W * H);
    const box = fillConvex(mask, 0, W, H, Float64Array.of(-9, -9, -4, -9, -4, -2));
    expect(box).toEqual({ x0: 0, y0: 0, x1: 0, y1: 0 });
    expect(mask.every((v) => v === 0)).toBe(true);
  });
});

describe('fillConvexAntialiased', () => {
  it('has the area of the polygon and its edges between 0 and 255', () => {
    for (let round = 0; round < 20; round++) {
      const random = keyedGenerator('areas', round);
      const hull = convexHull(Float64Array.from({ length: 20 }, (_, i) => random.between(1, (i % 2 ? H : W) - 2)));
      let area = 0;
      for (let i = 0; i < hull.length; i += 2) {
        const j = (i + 2) % hull.length;
        area += (hull[i]! * hull[j + 1]! - hull[j]! * hull[i + 1]!) / 2;
      }
      const mask = new Uint8Array(W * H);
      fillConvexAntialiased(mask, 0, W, H, hull);
      const covered = mask.reduce((sum, v) => sum + v / 255, 0);
      expect(Math.abs(covered - area) / area).toBeLessThan(0.01);
      for (let i = 0; i < mask.length; i++) {
        const inside = depth(hull, i % W, Math.floor(i / W));
        if (inside > 0.71) expect(mask[i]).toBe(255);
        if (inside < -0.71) expect(mask[i]).toBe(0);
      }
    }
  });

  it("differs from OpenCV's LINE_AA along the outline only", () => {
    const mask = new Uint8Array(W * H);
    const hull = convexHull(corners);
    fillConvexAntialiased(mask, 0, W, H, hull);
    // OpenCV draws the outline on top of the polygon and so makes it about a pixel larger.
    referenceBytes('polygon_antialiased').forEach((wanted, i) => {
      const inside = depth(hull, i % W, Math.floor(i / W));
      if (inside > 0.71 || inside < -1.8) expect(mask[i]).toBe(wanted);
      else expect(mask[i]).toBeLessThanOrEqual(wanted + 2);
    });
  });
});
