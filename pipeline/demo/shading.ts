import type { Camera } from './camera.js';
import { lidsAt, slitAt } from './faceChart.js';
import type { Hair } from './hair.js';
import type { Expression, HeadSurface } from './headSurface.js';
import type { Colour, Identity } from './identity.js';
import { type Illumination, power10 } from './illumination.js';
import type { SurfacePoint } from './mesh.js';
import type { SkinAtlas } from './skinAtlas.js';
import { smoothstep, type ValueNoise } from './valueNoise.js';

const EYEBALL_MM = 12;
const IRIS_MM = 6;
const PUPIL_MM = 2.4;

/** Colours of visible points of one person in one light. Linear light. */
export class Shading {
  private readonly local = new Float64Array(3);
  private readonly eyeCentre: readonly [number, number, number];
  private readonly identity: Identity;
  private expression!: Expression;

  constructor(
    private readonly surface: HeadSurface,
    private readonly atlas: SkinAtlas,
    private readonly hair: Hair,
    private readonly light: Illumination,
    private readonly camera: Camera,
    private readonly fine: ValueNoise,
  ) {
    this.identity = surface.identity;
    const { eye } = surface.chart;
    const x = (eye.inner + eye.outer) / 2;
    const point = new Float64Array(3);
    surface.rest(surface.angleAt(x, 0), 0, point);
    surface.proportion(point);
    this.eyeCentre = [point[0]!, (eye.innerY + eye.outerY) / 2 + 0.8, point[2]! - EYEBALL_MM + 0.8];
  }

  begin(expression: Expression): void {
    this.expression = expression;
  }

  skin(p: SurfacePoint, out: Float64Array): void {
    const { chart } = this.surface;
    const x = this.surface.widthAt(p.v) * Math.sin(p.u);
    if (Math.cos(p.u) > 0.1) {
      if (p.v < chart.mouth.y + 3 && p.v > chart.mouth.y - 3) {
        const slit = slitAt(chart, x);
        if (slit > 0.12 && Math.abs(p.v - chart.mouth.y) < slit) {
          this.mouth(p, x, slit, out);
          return;
        }
      }
      if (p.v < 14 && p.v > -12) {
        const lids = lidsAt(chart, Math.abs(x));
        if (lids && p.v < lids.upper && p.v > lids.lower) {
          this.eye(p, Math.sign(x), (p.v - lids.lower) / (lids.upper - lids.lower), out);
          return;
        }
      }
    }
    this.atlas.at(p.u, p.v, this.light.coating);
    this.light.skin(p, out);
  }

  ear(p: SurfacePoint, out: Float64Array): void {
    // The skin before the ear, above any beard.
    this.atlas.at(Math.sign(p.x) * 1.3, -8 + 0.15 * p.v, this.light.coating);
    const hollow = 1 - 0.6 * Math.min(1, p.u);
    const t = this.light.coating;
    this.light.coat(t[0]! * hollow, t[1]! * hollow * 0.9, t[2]! * hollow * 0.9, 0.7, hollow);
    this.light.skin(p, out);
  }

  body(p: SurfacePoint, out: Float64Array): void {
    const { clothes, skin } = this.identity;
    const side = Math.abs(p.u);
    const collar = -148 - clothes.neckline * Math.exp(-((p.u / 0.42) ** 2)) + 10 * smoothstep(0.6, 1.4, side);
    if (p.v > collar) {
      const tone = 0.92 + 0.16 * this.fine.at(p.u * 90, p.v * 0.8);
      const a = skin.albedo;
      const chin = 0.62 + 0.38 * smoothstep(-95, -140, p.v);
      this.light.coat(a[0] * tone * 0.97, a[1] * tone * 0.92, a[2] * tone * 0.92, 0.5, chin);
      this.light.skin(p, out);
      return;
    }
    const edge = smoothstep(collar - 7, collar - 5.5, p.v);
    let base: Colour = clothes.colour;
    if (clothes.pattern === 'stripes' && Math.sin(p.v * 0.55) > 0.4) base = clothes.second;
    let fold = 1;
    if (clothes.pattern === 'jacket') {
      // A shirt shows between the lapels; a lapel's edge throws a line of shadow.
      const lapel = (-148 - p.v) * 0.0052 + 0.12;
      const inside = Math.max(0, 0.62 - lapel) - side;
      if (inside > 0) base = clothes.second;
      fold -= 0.5 * Math.exp(-((inside / 0.03) ** 2));
      if (inside > 0 && side < 0.1) fold *= 0.82;
    }
    const weave = 0.85 + 0.3 * this.fine.at(p.u * 160, p.v * 1.7);
    const drape = 1 + 0.25 * (this.fine.at(p.u * 9, p.v * 0.11) - 0.5);
    const tone = weave * drape * fold * (1 - 0.3 * edge);
    this.light.coat(base[0] * tone, base[1] * tone, base[2] * tone, 0.05, 1);
    this.light.matter(p, out);
  }

  frame(p: SurfacePoint, out: Float64Array): void {
    const c = this.identity.glasses!.colour;
    this.light.coat(c[0], c[1], c[2], 0.9, 1);
    this.light.matter(p, out);
  }

  /** Colour of hair; returns how much of what lies behind it hides. */
  hairStrand(p: SurfacePoint, curtain: boolean, out: Float64Array): number {
    const facing = Math.max(0, p.nz);
    let cover = curtain ? this.hair.curtainCover(p.u, p.v) : this.hair.cover(p.u, p.v);
    if (cover <= 0) return 0;
    const strand = this.hair.strand(p.u, p.v);
    // Towards the silhouette single strands let the background through.
    if (facing < 0.3) cover *= smoothstep(0, 0.3, facing + 0.25 * (strand - 0.9));
    const { colour, gloss, style } = this.identity.hair;
    // The highlight runs across the strands: bend the normal along them.
    const bend = (strand - 0.95) * 0.5;
    const ny = p.ny + bend;
    const h = this.light.halfKey;
    const nh = power10(
      Math.max(0, p.nx * h[0] + ny * h[1] + p.nz * h[2]) / Math.sqrt(1 + 2 * bend * p.ny + bend * bend),
    );
    const shiny = style === 'cropped' || style === 'bald' ? 0.15 : 1;
    const lit = this.light.shadow.light(p, 3);
    const spec = shiny * gloss * strand * lit * (0.035 * nh + 0.05 * nh * nh * nh * nh);
    // Deep between neck and hair little light arrives.
    const inner = curtain ? 0.25 + 0.75 * smoothstep(-75, -10, p.z) : 1;
    const s = strand * inner;
    this.light.coat(colour[0] * s, colour[1] * s, colour[2] * s, 0, 0.9);
    this.light.matter(p, out);
    const { key } = this.light.lighting;
    out[0]! += key[0] * spec * (0.5 + 2 * colour[0]);
    out[1]! += key[1] * spec * (0.5 + 2 * colour[1]);
    out[2]! += key[2] * spec * (0.5 + 2 * colour[2]);
    return cover;
  }

  /** Inside of the mouth: teeth of both jaws, tongue, and the dark behind. */
  private mouth(p: SurfacePoint, x: number, slit: number, out: Float64Array): void {
    const { mouth } = this.surface.chart;
    const e = this.expression;
    // The gap between the lips here, in millimetres, and how far below the upper lip this point lies.
    const bow = slit / 1.6;
    const share = (p.v - mouth.y + slit) / (2 * slit);
    const gap = Math.max(0.3, e.jaw * bow + Math.max(0, e.smile) * 1.5 * bow);
    const fromUpper = (1 - share) * gap;
    const fromLower = share * gap;
    const upperTeeth = 1.6 + 3.2 * Math.max(0, e.smile) + Math.min(3, e.jaw * 0.28);
    const lowerTeeth = Math.max(0, Math.min(2.4, e.jaw * 0.25 - 0.6));
    const curve = 1 - 0.8 * (x / (mouth.inner + 4)) ** 2;
    let tooth = 0;
    if (gap > 0.8) {
      // Between the teeth a gap of shade; the middle ones are the widest.
      const width = 8.2 - 0.05 * Math.abs(x);
      const between = Math.abs(((Math.abs(x) + 0.001) % width) - width / 2) / (width / 2);
      const gaps = 1 - 0.28 * smoothstep(0.82, 1, between);
      const scallop = 0.5 * between * between;
      const up = smoothstep(upperTeeth * curve - scallop + 0.4, upperTeeth * curve - scallop - 0.4, fromUpper);
      const low = smoothstep(lowerTeeth * curve + 0.4, lowerTeeth * curve - 0.4, fromLower);
      tooth =
        smoothstep(1.4, 3.5, gap) *
        Math.max(up, 0.75 * low) *
        gaps *
        smoothstep(0, 1.6, fromUpper + 0.6) *
        (0.35 + 0.65 * curve);
    }
    const tongue = smoothstep(1.5, 5, gap) * Math.exp(-(((fromLower - 2.5) / 3) ** 2) - (x / 13) ** 2);
    const deep = 0.25 + 0.75 * Math.exp(-gap / 5);
    const [lr, lg, lb] = this.identity.skin.lip;
    const wet = 0.16 * deep + 0.5 * tongue;
    const r = lr * wet * (1 - tooth) + 0.62 * tooth;
    const g = lg * wet * 0.7 * (1 - tooth) + 0.56 * tooth;
    const b = lb * wet * 0.7 * (1 - tooth) + 0.46 * tooth;
    // Lips and cheeks hide most of the light; nothing of it is cast by the map.
    p.nx = 0;
    p.ny = 0.1;
    p.nz = 0.99;
    this.light.coat(r, g, b, 0, 1);
    this.light.matter(p, out);
    const dim = 0.42 + 0.2 * Math.min(1, gap / 10);
    out[0]! *= dim;
    out[1]! *= dim;
    out[2]! *= dim;
  }

  /** The eyeball between the lids. `share`: 0 at the lower lid, 1 at the upper. */
  private eye(p: SurfacePoint, side: number, share: number, out: Float64Array): void {
    this.camera.unplace(p.x, p.y, p.z, this.local);
    const [cx, cy] = this.eyeCentre;
    const dx = (this.local[0]! - side * cx) / EYEBALL_MM;
    const dy = (this.local[1]! - cy) / EYEBALL_MM;
    const dz = Math.sqrt(Math.max(0.05, 1 - dx * dx - dy * dy));
    const { gazeX, gazeY } = this.expression;
    const gx = Math.sin(gazeX);
    const gy = Math.sin(gazeY);
    // Distance from the pupil across the iris, in millimetres.
    const from = Math.hypot(dx - gx, dy - gy) * EYEBALL_MM;
    const angle = Math.atan2(dy - gy, dx - gx);
    const edge = smoothstep(IRIS_MM + 0.5, IRIS_MM - 0.5, from);
    const pupil = smoothstep(PUPIL_MM + 0.4, PUPIL_MM - 0.4, from);
    const { iris } = this.identity.eyes;
    const rays = 0.65 + 0.7 * this.fine.at(angle * 9 + 40, from * 3);
    const ring = 1 - 0.65 * smoothstep(IRIS_MM - 1.6, IRIS_MM, from);
    const corner = smoothstep(7, 13, Math.abs(this.local[0]! - side * cx));
    const white: Colour = [0.6 - 0.02 * corner, 0.53 - 0.14 * corner, 0.49 - 0.14 * corner];
    const dark = 1 - pupil;
    const r = white[0] + (iris[0] * rays * ring * dark + 0.004 - white[0]) * edge;
    const g = white[1] + (iris[1] * rays * ring * dark + 0.004 - white[1]) * edge;
    const b = white[2] + (iris[2] * rays * ring * dark + 0.004 - white[2]) * edge;
    const n = this.camera.turn(dx, dy, dz);
    p.nx = n[0];
    p.ny = n[1];
    p.nz = n[2];
    this.light.coat(r, g, b, 0, 1);
    this.light.matter(p, out);
    // The upper lid and its lashes shade the ball; the lower lid's rim is wet and pink.
    const lid = (1 - 0.62 * smoothstep(0.45, 1, share)) * (0.72 + 0.28 * smoothstep(0, 0.25, share));
    for (let c = 0; c < 3; c++) out[c]! *= 0.86 * lid;
    const { key, fill } = this.light.lighting;
    const [hx, hy, hz] = this.light.halfKey;
    const spark = glint(dx, dy, gx, gy, hx, hy, hz, this.camera) * (1 - 0.6 * smoothstep(0.75, 1, share));
    for (let c = 0; c < 3; c++) out[c]! += spark * (0.75 * key[c]! + 0.2 * fill[c]!);
  }
}

/** Reflection of the key lamp on the cornea: a small spot on the iris towards the lamp. */
function glint(
  dx: number,
  dy: number,
  gx: number,
  gy: number,
  hx: number,
  hy: number,
  hz: number,
  camera: Camera,
): number {
  const [lx, ly] = camera.turnBack(hx, hy, hz);
  // The cornea bulges, so the spot wanders only a part of the way that the lamp does.
  const sx = gx + 0.3 * (lx - gx);
  const sy = gy + 0.3 * (ly - gy);
  const d = Math.hypot(dx - sx, dy - sy) * EYEBALL_MM;
  return smoothstep(1.5, 0.6, d);
}
