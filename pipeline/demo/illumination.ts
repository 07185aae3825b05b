import type { Colour } from './identity.js';
import type { Lighting, ShadowMap } from './lighting.js';
import type { SurfacePoint } from './mesh.js';

/** How far light wraps around the terminator in skin, per channel: red travels farthest beneath it. */
const SKIN_WRAP: Colour = [0.32, 0.17, 0.11];

/** Light that reaches the viewer from a coated surface point. Linear light. */
export class Illumination {
  /** What is lit: albedo red, green, blue, gloss (0 matt), and openness, the share of the surroundings' light it gets. */
  readonly coating = new Float64Array(5);
  /** Halfway between lamp and viewer. */
  readonly halfKey: Colour;
  private readonly halfFill: Colour;

  constructor(
    readonly lighting: Lighting,
    readonly shadow: ShadowMap,
  ) {
    this.halfKey = halfway(lighting.keyFrom);
    this.halfFill = halfway(lighting.fillFrom);
  }

  /** Sets what is lit: albedo, gloss (0 matt), and the share of the surroundings' light that gets there. */
  coat(r: number, g: number, b: number, gloss: number, open: number): void {
    const t = this.coating;
    t[0] = r;
    t[1] = g;
    t[2] = b;
    t[3] = gloss;
    t[4] = open;
  }

  /** Light on skin, whose depths carry it past the terminator and into the edges of shadows, red first. */
  skin(p: SurfacePoint, out: Float64Array): void {
    const { nx, ny, nz } = p;
    const t = this.coating;
    const { key, keyFrom, fill, fillFrom, above, below } = this.lighting;
    const nk = nx * keyFrom[0] + ny * keyFrom[1] + nz * keyFrom[2];
    const shadow = nk > -SKIN_WRAP[0] ? this.shadow.light(p, 0) : 0;
    const open = t[4]!;
    const f = Math.max(0, (nx * fillFrom[0] + ny * fillFrom[1] + nz * fillFrom[2] + 0.35) / 1.35) * open;
    const sky = 0.5 + 0.5 * ny;
    const hk = this.halfKey;
    const hf = this.halfFill;
    const nh = power10(Math.max(0, nx * hk[0] + ny * hk[1] + nz * hk[2]));
    const ng = power10(Math.max(0, nx * hf[0] + ny * hf[1] + nz * hf[2]));
    // Two lobes, one broad and one narrow, and more reflection at grazing angles (Schlick).
    const away = (1 - Math.max(0, nz)) ** 2;
    const shine = 0.045 * t[3]! * open * (1 + 4 * away * away);
    const narrow = nh * nh * nh * nh;
    const specKey = shadow * shine * (nh + 1.6 * narrow);
    const specFill = shine * 0.7 * ng;
    for (let c = 0; c < 3; c++) {
      const wrap = SKIN_WRAP[c]!;
      const reach = shadow * (1 + 1.5 * wrap * (1 - shadow));
      const k = nk > -wrap ? ((nk + wrap) / (1 + wrap)) * reach : 0;
      const ambient = (below[c]! + (above[c]! - below[c]!) * sky) * open;
      out[c] = t[c]! * (key[c]! * k + fill[c]! * f + ambient) + key[c]! * specKey + fill[c]! * specFill;
    }
  }

  /** Light on anything else. */
  matter(p: SurfacePoint, out: Float64Array): void {
    const { nx, ny, nz } = p;
    const t = this.coating;
    const { key, keyFrom, fill, fillFrom, above, below } = this.lighting;
    const nk = Math.max(0, (nx * keyFrom[0] + ny * keyFrom[1] + nz * keyFrom[2] + 0.1) / 1.1);
    const shadow = nk > 0 ? this.shadow.light(p, 2) : 0;
    const k = shadow * nk;
    const f = Math.max(0, (nx * fillFrom[0] + ny * fillFrom[1] + nz * fillFrom[2] + 0.3) / 1.3);
    const sky = 0.5 + 0.5 * ny;
    let spec = 0;
    if (t[3]! > 0) {
      const h = this.halfKey;
      const nh = power10(Math.max(0, nx * h[0] + ny * h[1] + nz * h[2]));
      spec = 0.08 * t[3]! * shadow * nh * nh;
    }
    for (let c = 0; c < 3; c++) {
      const ambient = (below[c]! + (above[c]! - below[c]!) * sky) * t[4]!;
      out[c] = t[c]! * (key[c]! * k + fill[c]! * f + ambient) + key[c]! * spec;
    }
  }
}

/** x¹⁰, the exponent of the broad highlight. */
export function power10(x: number): number {
  const x2 = x * x;
  const x4 = x2 * x2;
  return x4 * x4 * x2;
}

/** Unit vector halfway between a lamp and the viewer, who looks along -z. */
function halfway([x, y, z]: readonly [number, number, number]): Colour {
  const length = Math.hypot(x, y, z + 1);
  return [x / length, y / length, (z + 1) / length];
}
