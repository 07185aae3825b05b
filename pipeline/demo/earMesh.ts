import type { Identity } from './identity.js';
import { gridMesh, type Mesh } from './mesh.js';
import { smoothstep } from './valueNoise.js';

/** An ear as a dish with a rolled rim. Chart: how deep in its hollow a point lies (0..1), and its height. */
export function earMesh(identity: Identity, side: -1 | 1): Mesh {
  const [rings, spokes] = [12, 25];
  const mesh = gridMesh('ear', rings, spokes);
  const size = identity.earSize;
  // The dish opens to the side and a little to the front; the ear stands off by this angle.
  const stand = 0.62;
  for (let r = 0; r < rings; r++) {
    const radius = r / (rings - 1);
    for (let c = 0; c < spokes; c++) {
      const i = r * spokes + c;
      // Right and left ear turn in opposite senses, so that both show their front.
      const angle = (-side * 2 * Math.PI * c) / (spokes - 1);
      const lobe = 1 - 0.25 * smoothstep(0.2, -1, Math.sin(angle));
      const p = 16 * size * radius * Math.cos(angle) * lobe;
      const q = 31 * size * radius * Math.sin(angle);
      const rim =
        3.5 * Math.exp(-(((radius - 0.82) / 0.14) ** 2)) -
        5 * Math.exp(-((radius / 0.5) ** 2)) -
        4 * smoothstep(0.85, 1, radius);
      const back = p + 14 * size;
      mesh.points[3 * i] = side * (69 * identity.shape.width + back * Math.sin(stand) + rim * Math.cos(stand) * 0.6);
      mesh.points[3 * i + 1] = -16 + q + 0.12 * p;
      mesh.points[3 * i + 2] = -2 - back * Math.cos(stand) + rim * 0.8 - 0.1 * q;
      mesh.chart[2 * i] = smoothstep(0.75, 0.2, radius) + 0.4 * Math.exp(-(((radius - 0.66) / 0.08) ** 2));
      mesh.chart[2 * i + 1] = -16 + q;
    }
  }
  return mesh;
}
