import type { HeadSurface } from './headSurface.js';
import type { Identity } from './identity.js';
import { gridMesh, type Mesh } from './mesh.js';

type Point = readonly [number, number, number];

/** Two rims, the bridge between them and the temples to the ears, each a band of two rows of vertices. */
export function glassesMeshes(identity: Identity, surface: HeadSurface): Mesh[] {
  const glasses = identity.glasses;
  if (!glasses) return [];
  const { chart } = surface;
  const centre = ((chart.eye.inner + chart.eye.outer) / 2 + 1.5) * identity.shape.width;
  const point = new Float64Array(3);
  surface.rest(0, 6, point);
  const bridgeZ = point[2]! * identity.shape.depth + 4;
  const zAt = (x: number) => bridgeZ - 0.0042 * x * x;
  const rim = (side: -1 | 1): Point[] =>
    Array.from({ length: 41 }, (_, i) => {
      const angle = (side * 2 * Math.PI * i) / 40;
      const power = 2 / glasses.squareness;
      const x =
        side * centre + glasses.radiusX * side * Math.sign(Math.cos(angle)) * Math.abs(Math.cos(angle)) ** power;
      const y = -3 + glasses.radiusY * side * Math.sign(Math.sin(angle)) * Math.abs(Math.sin(angle)) ** power;
      return [x, y, zAt(x)];
    });
  const gap = centre - glasses.radiusX;
  const bridge: Point[] = Array.from({ length: 9 }, (_, i) => {
    const x = -gap + (2 * gap * i) / 8;
    return [x, 5 + 2 * (1 - (x / gap) ** 2), zAt(x) + 1];
  });
  const edge = centre + glasses.radiusX;
  const arm = (side: -1 | 1): Point[] =>
    Array.from({ length: 9 }, (_, i) => {
      const f = i / 8;
      return [side * (edge + (78 * identity.shape.width - edge) * Math.min(1, f * 1.6)), 4, zAt(edge) - f * 95];
    });
  return [rim(-1), rim(1), bridge, arm(-1), arm(1)].map((line) => band(line, glasses.width));
}

/** A band along a line, its width across the line in the picture's plane. */
function band(line: readonly Point[], width: number): Mesh {
  const mesh = gridMesh('frame', 2, line.length);
  line.forEach(([x, y, z], c) => {
    const before = line[Math.max(0, c - 1)]!;
    const after = line[Math.min(line.length - 1, c + 1)]!;
    const [dx, dy] = [after[0] - before[0], after[1] - before[1]];
    const length = Math.hypot(dx, dy) || 1;
    const flat = length < 2;
    const nx = flat ? 0 : (-dy / length) * (width / 2);
    const ny = flat ? width / 2 : (dx / length) * (width / 2);
    for (const [row, sign] of [
      [0, -1],
      [1, 1],
    ] as const) {
      const at = 3 * (row * line.length + c);
      mesh.points.set([x + sign * nx, y + sign * ny, z], at);
      mesh.chart.set([x, row], 2 * (row * line.length + c));
    }
  });
  return mesh;
}
