import { describe, expect, it } from 'vitest';
import { Camera, type Pose } from '../../../pipeline/demo/camera.js';
import { DepthLayer } from '../../../pipeline/demo/depthLayer.js';
import { faceChart } from '../../../pipeline/demo/faceChart.js';
import { HeadMesh } from '../../../pipeline/demo/headMesh.js';
import { type Expression, HeadSurface } from '../../../pipeline/demo/headSurface.js';
import { drawIdentity } from '../../../pipeline/demo/identity.js';
import { landmarks81 } from '../../../pipeline/demo/landmarks81.js';
import { keyedGenerator } from '../../../workers/index.js';

const calm: Expression = { jaw: 0, wide: 0, smile: 0, blink: 0, gazeX: 0, gazeY: 0, brow: 0 };
const talking: Expression = { jaw: 12, wide: 0.4, smile: 0.5, blink: 0.3, gazeX: 0.1, gazeY: -0.1, brow: 2 };
const still: Pose = { yaw: 0, pitch: 0, roll: 0, x: 0, y: 0, z: 0 };
const SIDE = 448;

const surfaceOf = (key: number) => {
  const identity = drawIdentity(keyedGenerator('landmarks', key));
  return new HeadSurface(identity, faceChart(identity));
};

/** Landmarks in pixels of a drawn picture whose pixel centres lie at halves. */
function project(surface: HeadSurface, camera: Camera, expression: Expression): [number, number][] {
  const p = new Float64Array(3);
  return landmarks81(surface).map(({ theta, y }) => {
    surface.point(theta, y, expression, p);
    camera.place(p[0]!, p[1]!, p[2]!, p, 0);
    return [camera.screenX(p[0]!, p[2]!), camera.screenY(p[1]!, p[2]!)];
  });
}

describe('landmarks81', () => {
  it('gives 68 points in iBUG order and 13 of the forehead from left to right', () => {
    const camera = new Camera(SIDE, 1);
    camera.pose(still);
    const points = project(surfaceOf(1), camera, calm);
    expect(points.length).toBe(81);
    const x = (i: number) => points[i]![0];
    const y = (i: number) => points[i]![1];
    const increasing = (from: number, to: number) => {
      for (let i = from; i < to; i++) expect(x(i)).toBeLessThan(x(i + 1));
    };
    for (const [from, to] of [
      [0, 16],
      [17, 26],
      [31, 35],
      [36, 39],
      [42, 45],
      [48, 54],
      [60, 64],
      [68, 80],
    ] as const) {
      if (from === 0) for (let i = 0; i < 16; i++) expect(x(i)).toBeLessThan(x(i + 1) + 0.5);
      else increasing(from, to);
    }
    for (let i = 27; i < 30; i++) expect(y(i)).toBeLessThan(y(i + 1));
    expect(y(8)).toBe(Math.max(...points.map(([, py]) => py)));
    expect(y(74)).toBe(Math.min(...points.map(([, py]) => py)));
    expect(y(37)).toBeLessThan(y(41));
    expect(y(51)).toBeLessThan(y(57));
    // A face that looks straight at the camera is its own mirror image.
    const mirror = (i: number) => SIDE - x(i);
    for (const [a, b] of [
      [0, 16],
      [7, 9],
      [17, 26],
      [21, 22],
      [31, 35],
      [36, 45],
      [37, 44],
      [39, 42],
      [41, 46],
      [40, 47],
      [48, 54],
      [50, 52],
      [59, 55],
      [60, 64],
      [61, 63],
      [67, 65],
      [68, 80],
    ] as const) {
      expect(x(a)).toBeCloseTo(mirror(b), 6);
      expect(y(a)).toBeCloseTo(y(b), 6);
    }
  });

  it.each([
    ['calm, straight', calm, still],
    ['talking, straight', talking, still],
    ['talking, turned', talking, { yaw: 0.25, pitch: -0.1, roll: 0.12, x: 8, y: -4, z: 20 }],
  ])('lies where the drawn surface has the same chart coordinates (%s)', (_name, expression, pose) => {
    let checked = 0;
    for (const key of [1, 2, 3]) {
      const surface = surfaceOf(key);
      const head = new HeadMesh(surface);
      const camera = new Camera(SIDE, 1);
      camera.pose(pose);
      head.express(expression);
      camera.view(head.mesh);
      const layer = new DepthLayer(SIDE);
      layer.clear();
      layer.draw(head.mesh.triangles, head.mesh.screen, head.mesh.placed, 0, false);
      const charts = landmarks81(surface);
      const points = project(surface, camera, expression);
      // Not what turns away from the camera, as the jaw's ends do: there a pixel spans many millimetres of surface.
      for (let i = 17; i < 81; i++) {
        if (Math.abs(charts[i]!.theta + pose.yaw) > 1) continue;
        checked++;
        const [x, y] = points[i]!;
        const near = nearestChart(layer, head, x, y, charts[i]!);
        // A pixel is 0.67 mm here; one and a half of them on the chart.
        expect(near, `landmark ${i}`).toBeLessThan(1);
      }
    }
    expect(checked).toBeGreaterThan(3 * 55);
  });

  it('opens and closes the inner lips by exactly the jaw, and the lids by the blink', () => {
    const surface = surfaceOf(4);
    const camera = new Camera(SIDE, 1);
    camera.pose(still);
    const gap = (e: Expression, upper: number, lower: number) => {
      const points = project(surface, camera, e);
      return points[lower]![1] - points[upper]![1];
    };
    expect(Math.abs(gap(calm, 62, 66))).toBeLessThan(0.02);
    const perMm = (SIDE / 302) * surface.identity.shape.lowerHeight;
    const open = gap({ ...calm, jaw: 10 }, 62, 66) / perMm;
    // The head is a little nearer than the plane through the eyes, and the jaw swings back.
    expect(open).toBeGreaterThan(10 * 1.05);
    expect(open).toBeLessThan(10 * 1.13);
    expect(gap({ ...calm, blink: 1 }, 37, 41)).toBeLessThan(0.15 * gap(calm, 37, 41));
  });
});

/** How far (millimetres on the chart) the surface drawn in the 3 × 3 pixels around a point is from a chart point. */
function nearestChart(
  layer: DepthLayer,
  head: HeadMesh,
  x: number,
  y: number,
  chart: { theta: number; y: number },
): number {
  let best = Number.POSITIVE_INFINITY;
  const { triangles, screen, chart: uv } = head.mesh;
  for (let py = Math.floor(y) - 1; py <= Math.floor(y) + 1; py++) {
    for (let px = Math.floor(x) - 1; px <= Math.floor(x) + 1; px++) {
      const t = layer.triangle[py * SIDE + px]!;
      if (t < 0) continue;
      const [a, b, c] = [triangles[3 * t]!, triangles[3 * t + 1]!, triangles[3 * t + 2]!];
      const at = (i: number) => [screen[2 * i]!, screen[2 * i + 1]!] as const;
      const [ax, ay] = at(a);
      const [bx, by] = at(b);
      const [cx, cy] = at(c);
      const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
      const wb = ((px + 0.5 - ax) * (cy - ay) - (cx - ax) * (py + 0.5 - ay)) / area;
      const wc = ((bx - ax) * (py + 0.5 - ay) - (px + 0.5 - ax) * (by - ay)) / area;
      const value = (k: number) => (1 - wb - wc) * uv[2 * a + k]! + wb * uv[2 * b + k]! + wc * uv[2 * c + k]!;
      best = Math.min(best, Math.hypot((value(0) - chart.theta) * 70, value(1) - chart.y));
    }
  }
  return best;
}
