import type { Identity } from './identity.js';
import { gridMesh, type Mesh } from './mesh.js';
import { smoothstep } from './valueNoise.js';

/** Neck and shoulders: height, half width, depth in front of and behind the centre, z of the centre. Millimetres. */
const PROFILE: readonly (readonly [number, number, number, number, number])[] = [
  [-330, 225, 95, 90, -45],
  [-250, 222, 85, 85, -45],
  [-212, 210, 76, 80, -46],
  [-192, 186, 69, 76, -46],
  [-177, 145, 64, 72, -46],
  [-165, 104, 60, 68, -45],
  [-154, 77, 57, 64, -42],
  [-140, 63, 55, 60, -38],
  [-115, 57, 53, 57, -32],
  [-90, 55, 52, 56, -28],
  [-50, 55, 52, 56, -26],
];

export function bodyMesh(identity: Identity): Mesh {
  const [rows, columns] = [44, 61];
  const mesh = gridMesh('body', rows, columns);
  const neck = 1 + 0.9 * (identity.shape.jawWidth - 1);
  for (let r = 0; r < rows; r++) {
    const y = -330 + (280 * r) / (rows - 1);
    let i = 0;
    while (i < PROFILE.length - 2 && y > PROFILE[i + 1]![0]) i++;
    const [a, b] = [PROFILE[i]!, PROFILE[i + 1]!];
    const f = smoothstep(a[0], b[0], y) * 0.4 + 0.6 * ((y - a[0]) / (b[0] - a[0]));
    const value = (column: 1 | 2 | 3 | 4) => a[column] + (b[column] - a[column]) * f;
    const width = value(1) * (y > -170 ? neck : 1);
    for (let c = 0; c < columns; c++) {
      const theta = -Math.PI + (2 * Math.PI * c) / (columns - 1);
      const at = r * columns + c;
      const cos = Math.cos(theta);
      const sin = Math.sin(theta);
      mesh.points[3 * at] = width * sin;
      mesh.points[3 * at + 1] = y;
      // Two cords run from behind the ears to the hollow over the breastbone.
      const cord = smoothstep(-70, -110, y) * smoothstep(-190, -165, y);
      const cordAt = 0.85 - 0.6 * smoothstep(-80, -175, y);
      const bulge = 4 * cord * Math.exp(-(((Math.abs(theta) - cordAt) / 0.16) ** 2));
      mesh.points[3 * at + 2] = value(4) + (cos > 0 ? value(2) : value(3)) * cos + bulge;
      mesh.chart[2 * at] = theta;
      mesh.chart[2 * at + 1] = y;
    }
  }
  return mesh;
}
