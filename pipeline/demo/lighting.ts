import type { Random } from '../../workers/random/keyedGenerator.js';
import { DepthLayer } from './depthLayer.js';
import type { Colour } from './identity.js';
import { isTwoSided, type Mesh, type SurfacePoint } from './mesh.js';

/** A room's light: one key lamp, a weaker fill from the other side, and light from all around. Directions towards the lamp. */
export type Lighting = {
  readonly key: Colour;
  readonly keyFrom: readonly [number, number, number];
  readonly fill: Colour;
  readonly fillFrom: readonly [number, number, number];
  readonly above: Colour;
  readonly below: Colour;
};

export function drawLighting(random: Random): Lighting {
  const azimuth = random.between(-0.95, 0.95);
  const elevation = random.between(0.2, 0.85);
  const warmth = random.between(-1, 1);
  const tint = (strength: number, warm: number): Colour => [
    strength * (1 + 0.12 * warm),
    strength,
    strength * (1 - 0.16 * warm),
  ];
  const strength = random.between(0.8, 1.15);
  const contrast = random.between(0.35, 1);
  const side = -Math.sign(azimuth) || 1;
  return {
    key: tint(strength, warmth),
    keyFrom: direction(azimuth, elevation),
    fill: tint(strength * 0.42 * (1.15 - contrast), -0.6 * warmth),
    fillFrom: direction(side * random.between(0.5, 1.2), random.between(-0.1, 0.3)),
    above: tint(strength * (0.46 - 0.22 * contrast), random.between(-0.5, 0.5)),
    below: tint(strength * (0.3 - 0.16 * contrast), random.between(-0.3, 0.9)),
  };
}

function direction(azimuth: number, elevation: number): [number, number, number] {
  return [Math.sin(azimuth) * Math.cos(elevation), Math.sin(elevation), Math.cos(azimuth) * Math.cos(elevation)];
}

const SIDE = 112;
const SPAN_MM = 340;
/** How far behind the nearest surface a point may lie and still be lit, against acne. */
const BIAS_MM = 7;

/** The key lamp's view of the head: what it does not see lies in shadow. */
export class ShadowMap {
  private readonly layer = new DepthLayer(SIDE);
  private readonly right: readonly [number, number, number];
  private readonly up: readonly [number, number, number];
  private readonly buffers = new Map<Mesh, { screen: Float32Array; space: Float32Array }>();

  constructor(private readonly from: readonly [number, number, number]) {
    const [x, , z] = from;
    const flat = Math.hypot(x, z) || 1;
    this.right = [z / flat, 0, -x / flat];
    const [rx, , rz] = this.right;
    const [fx, fy, fz] = from;
    this.up = [fy * rz, fz * rx - fx * rz, -fy * rx];
  }

  /** Draws the placed meshes as the lamp sees them. */
  update(meshes: readonly Mesh[]): void {
    this.layer.clear();
    for (const mesh of meshes) {
      const count = mesh.placed.length / 3;
      let buffer = this.buffers.get(mesh);
      if (!buffer) {
        buffer = { screen: new Float32Array(2 * count), space: new Float32Array(3 * count) };
        this.buffers.set(mesh, buffer);
      }
      const { screen, space } = buffer;
      const p = mesh.placed;
      for (let i = 0; i < count; i++) {
        const x = p[3 * i]!;
        const y = p[3 * i + 1]!;
        const z = p[3 * i + 2]!;
        screen[2 * i] = this.across(x, y, z);
        screen[2 * i + 1] = this.down(x, y, z);
        space[3 * i + 2] = this.towards(x, y, z);
      }
      this.layer.draw(mesh.triangles, screen, space, 0, isTwoSided(mesh.material));
    }
  }

  /**
   * Share of the key lamp's light that reaches a point, 0..1, soft at the edge of a shadow. `lift` millimetres along its
   * normal are added first.
   */
  light(p: SurfacePoint, lift: number): number {
    const x = p.x + lift * p.nx;
    const y = p.y + lift * p.ny;
    const z = p.z + lift * p.nz;
    const u = this.across(x, y, z);
    const v = this.down(x, y, z);
    const u0 = Math.floor(u);
    const v0 = Math.floor(v);
    if (u0 < 1 || v0 < 1 || u0 > SIDE - 2 || v0 > SIDE - 2) return 1;
    const limit = this.towards(x, y, z) + BIAS_MM;
    const depth = this.layer.depth;
    // Nine comparisons weighed by a quadratic B-spline: smooth wherever the point lies between them.
    const fu = u - u0;
    const fv = v - v0;
    const left = 0.5 * (1 - fu) * (1 - fu);
    const right = 0.5 * fu * fu;
    const middle = 1 - left - right;
    let lit = 0;
    let i = (v0 - 1) * SIDE + u0;
    for (let row = 0; row < 3; row++, i += SIDE) {
      let across = 0;
      if (depth[i - 1]! < limit) across += left;
      if (depth[i]! < limit) across += middle;
      if (depth[i + 1]! < limit) across += right;
      lit += across * (row === 0 ? 0.5 * (1 - fv) * (1 - fv) : row === 2 ? 0.5 * fv * fv : 0.5 + fv - fv * fv);
    }
    return lit;
  }

  private across(x: number, y: number, z: number): number {
    const a = this.right;
    return SIDE / 2 + ((a[0] * x + a[1] * y + a[2] * z) * SIDE) / SPAN_MM;
  }

  private down(x: number, y: number, z: number): number {
    const a = this.up;
    return SIDE / 2 - ((a[0] * x + a[1] * (y + 20) + a[2] * z) * SIDE) / SPAN_MM;
  }

  private towards(x: number, y: number, z: number): number {
    const a = this.from;
    return a[0] * x + a[1] * y + a[2] * z;
  }
}
