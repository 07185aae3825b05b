import { type FaceChart, lidsAt, lipsAt } from './faceChart.js';
import { CHIN, CROWN, type HeadSurface } from './headSurface.js';
import { smoothstep, type ValueNoise } from './valueNoise.js';

const WIDTH = 240;
const HEIGHT = 216;
const ANGLE = (105 / 180) * Math.PI;

/** Channels of a texel: albedo red, green, blue (linear), gloss (1 average), openness to the sky (1 open, 0 hidden). */
export const ATLAS_CHANNELS = 5;

/** The painted skin of one person on the chart of the head, from ear to ear and chin to crown. */
export class SkinAtlas {
  private readonly texels = new Float32Array(WIDTH * HEIGHT * ATLAS_CHANNELS);

  constructor(surface: HeadSurface, fine: ValueNoise, clouds: ValueNoise, offset: number) {
    const paint = new Painter(surface, fine, clouds, offset);
    for (let v = 0; v < HEIGHT; v++) {
      const y = CHIN + ((CROWN - CHIN) * v) / (HEIGHT - 1);
      const width = surface.slice(y).width;
      for (let u = 0; u < WIDTH; u++) {
        const theta = -ANGLE + (2 * ANGLE * u) / (WIDTH - 1);
        paint.texel(theta, width * Math.sin(theta), y, this.texels, (v * WIDTH + u) * ATLAS_CHANNELS);
      }
    }
  }

  /** Bilinear look-up of all channels; beyond the ears the edge goes on. */
  at(theta: number, y: number, out: Float64Array): void {
    const u = Math.min(WIDTH - 1.001, Math.max(0, ((theta + ANGLE) / (2 * ANGLE)) * (WIDTH - 1)));
    const v = Math.min(HEIGHT - 1.001, Math.max(0, ((y - CHIN) / (CROWN - CHIN)) * (HEIGHT - 1)));
    const u0 = u | 0;
    const v0 = v | 0;
    const fu = u - u0;
    const fv = v - v0;
    const a = (v0 * WIDTH + u0) * ATLAS_CHANNELS;
    const below = a + WIDTH * ATLAS_CHANNELS;
    const t = this.texels;
    for (let k = 0; k < ATLAS_CHANNELS; k++) {
      const top = t[a + k]! + (t[a + k + ATLAS_CHANNELS]! - t[a + k]!) * fu;
      const bottom = t[below + k]! + (t[below + k + ATLAS_CHANNELS]! - t[below + k]!) * fu;
      out[k] = top + (bottom - top) * fv;
    }
  }
}

class Painter {
  private readonly chart: FaceChart;

  constructor(
    private readonly surface: HeadSurface,
    private readonly fine: ValueNoise,
    private readonly clouds: ValueNoise,
    private readonly offset: number,
  ) {
    this.chart = surface.chart;
  }

  texel(theta: number, x: number, y: number, out: Float32Array, at: number): void {
    const { skin } = this.surface.identity;
    const arc = theta * 72;
    const side = Math.abs(x);
    const front = Math.cos(theta) > 0;
    const o = this.offset;

    // Pores and patches: brightness first, then blood (less green) where skin is thin.
    const pores = this.fine.at(arc * 2.3 + o, y * 2.3) - 0.5;
    const patch = this.clouds.at(arc * 1.1 + o, y * 1.1) - 0.5;
    let light = 1 + 0.22 * pores + 0.34 * skin.blotches * patch;
    let blood = 0.6 * skin.blotches * (this.clouds.at(arc * 1.7 + 90, y * 1.7 + o) - 0.5);
    let gloss = 1 + 0.5 * pores;
    let open = 1;
    if (front) {
      blood += skin.redness * 0.34 * Math.exp(-(((side - 40) / 17) ** 2) - ((y + 32) / 14) ** 2);
      blood += skin.redness * 0.36 * Math.exp(-((x / 13) ** 2) - ((y - this.chart.nose.tip) / 10) ** 2);
      blood += skin.redness * 0.14 * Math.exp(-((x / 16) ** 2) - ((y + 101) / 10) ** 2);
      gloss +=
        0.7 * Math.exp(-((x / 9) ** 2) - ((y + 18) / 26) ** 2) +
        0.5 * Math.exp(-((x / 30) ** 2) - ((y - 45) / 16) ** 2);
      const shade = this.hollows(side, x, y);
      open *= shade;
      light *= 0.55 + 0.45 * shade;
    }
    if (skin.freckles > 0) {
      const spots = this.fine.at(arc * 1.25 + 31, y * 1.25 + o);
      const where = Math.exp(-(((y + 20) / 26) ** 2)) * 0.9 + 0.2;
      light *= 1 - 0.32 * skin.freckles * where * smoothstep(0.62, 0.8, spots);
    }
    const lines = skin.age * (0.5 + patch) * Math.exp(-((x / 34) ** 2) - ((y - 48) / 17) ** 2);
    light *= 1 - 0.1 * lines * smoothstep(0.75, 1, Math.cos(y * 0.72 + 1.8 * this.clouds.at(arc * 0.5, o)));

    let red = skin.albedo[0] * light * (1 + 0.1 * blood);
    let green = skin.albedo[1] * light * (1 - 0.42 * blood);
    let blue = skin.albedo[2] * light * (1 - 0.38 * blood);
    const mix = (share: number, r: number, g: number, b: number) => {
      red += (r - red) * share;
      green += (g - green) * share;
      blue += (b - blue) * share;
    };

    if (front) {
      const beard = this.beard(arc, x, y);
      if (beard > 0) {
        const [r, g, b] = this.surface.identity.hair.colour;
        const lift = 0.5 + 0.9 * this.fine.at(arc * 3.1, y * 1.4 + o);
        mix(beard, r * lift, g * lift, b * lift);
        gloss *= 1 - 0.6 * beard;
      }
      const lips = this.lips(x, y);
      if (lips > 0) {
        const wrinkle = 0.86 + 0.28 * this.fine.at(x * 3.4 + o, y * 0.5);
        const [r, g, b] = skin.lip;
        const deep = 1 - 0.25 * smoothstep(6, 0, Math.abs(y - this.chart.mouth.y));
        mix(lips, r * wrinkle * deep, g * wrinkle * deep, b * wrinkle * deep);
        gloss += 0.7 * lips * wrinkle;
      }
      const brow = this.brow(side, x, y);
      if (brow > 0) {
        const [r, g, b] = this.surface.identity.hair.colour;
        mix(brow, 0.6 * Math.min(r, 0.12), 0.6 * Math.min(g, 0.08), 0.6 * Math.min(b, 0.06));
        gloss *= 1 - 0.7 * brow;
      }
      const lash = this.lidLine(side, y);
      mix(lash, 0.02, 0.013, 0.01);
      const nostril = Math.exp(
        -(((side - this.chart.nose.width * 0.5) / 3.4) ** 2) - ((y - this.chart.nose.base - 0.8) / 1.7) ** 2,
      );
      mix(0.85 * nostril, 0.03, 0.012, 0.008);
      open *= 1 - 0.6 * nostril;
    }
    out[at] = red;
    out[at + 1] = green;
    out[at + 2] = blue;
    out[at + 3] = gloss * skin.gloss;
    out[at + 4] = open;
  }

  /** Light that reaches the hollows of a face: 1 on open skin. */
  private hollows(side: number, x: number, y: number): number {
    const { identity } = this.surface;
    const { eye, mouth, nose } = this.chart;
    const age = identity.skin.age;
    let shade = 1;
    const dark = (amount: number, dx: number, dy: number) => {
      shade *= 1 - amount * Math.exp(-dx * dx - dy * dy);
    };
    dark(0.42, (side - eye.inner + 2) / 6, (y - 3) / 8);
    dark(0.2, (side - 33) / 17, (y - 8) / 5);
    dark(0.14 + 0.16 * age, (side - 29) / 11, (y + 10) / 4.5);
    dark(0.34, x / 11, (y - nose.base - 1) / 2.6);
    dark(0.3, (side - nose.width - 2.5) / 2.6, (y - nose.base - 5) / 6);
    dark(0.22, x / 16, (y - mouth.y + 16) / 4);
    dark(0.2, (side - mouth.outer - 2) / 4, (y - mouth.y) / 4);
    dark(0.12, x / 2.6, (y - nose.base + 8) / 5);
    // The fold from the wing of the nose to past the corner of the mouth.
    const f = (nose.base + 4 - y) / (nose.base - mouth.y + 12);
    if (f > 0 && f < 1) dark(0.1 + 0.3 * age, (side - nose.width - 4 - 15 * f) / 2.4, (2 * f - 1) * 0.9);
    const lids = lidsAt(this.chart, side);
    if (lids) {
      const fold = identity.eyes.fold * Math.min(1, (lids.upper - lids.lower) / 4);
      dark(0.5 * fold, 0, (y - lids.upper - 4.2) / 1.5);
      dark(0.25 * fold, 0, (y - lids.lower + 5) / 1.8);
    }
    return shade;
  }

  private lips(x: number, y: number): number {
    const lips = lipsAt(this.chart, x);
    if (!lips) return 0;
    return smoothstep(lips.upper + 1, lips.upper - 1, y) * smoothstep(lips.lower - 1.2, lips.lower + 1.2, y);
  }

  /** Dark of the lashes' roots along the lids. */
  private lidLine(side: number, y: number): number {
    const lids = lidsAt(this.chart, side);
    if (!lids) return 0;
    const wide = Math.min(1, (lids.upper - lids.lower) / 3);
    const above = y - lids.upper;
    const below = lids.lower - y;
    return wide * Math.max(0.9 * smoothstep(1.9, 0.5, Math.abs(above)), 0.35 * smoothstep(1.6, 0, Math.abs(below)));
  }

  private brow(side: number, x: number, y: number): number {
    const { points, thickness } = this.chart.brow;
    const outer = points[0]![0];
    const inner = points[points.length - 1]![0];
    if (side < inner - 4 || side > outer + 5 || y < 5 || y > 34) return 0;
    let i = 0;
    while (i < points.length - 2 && side < points[i + 1]![0]) i++;
    const [x0, y0] = points[i]!;
    const [x1, y1] = points[i + 1]!;
    const centre = y0 + ((y1 - y0) * (side - x0)) / (x1 - x0);
    const taper = smoothstep(outer + 4, outer - 16, side) * 0.75 + 0.25;
    const ends = smoothstep(inner - 4, inner + 3, side) * smoothstep(outer + 5, outer - 4, side);
    // Hairs lean outwards: noise is stretched along the slant.
    const hairs = this.fine.at(side * 2.2 - y * 1.8 + this.offset, (y + side * 0.4) * 0.5 + Math.sign(x) * 40);
    const edge = smoothstep(
      thickness * taper + 1.2,
      thickness * taper - 1.2,
      Math.abs(y - centre) + (hairs - 0.5) * 2.4,
    );
    return edge * ends * this.surface.identity.brows.density * (0.55 + 0.75 * hairs);
  }

  private beard(arc: number, x: number, y: number): number {
    const { skin } = this.surface.identity;
    const amount = Math.max(skin.stubble * 0.38, skin.beard * 0.88);
    if (amount === 0 || y > -20) return 0;
    const side = Math.abs(arc);
    const { nose, mouth } = this.chart;
    // Cheeks stay bare above a line from the sideburns to the corner of the mouth; the upper lip wears a moustache.
    const cheek = mouth.y + 8 + 0.85 * Math.max(0, side - 32);
    const jaw =
      smoothstep(cheek + 10, cheek - 12, y + 12 * (this.clouds.at(arc * 1.5, y * 1.5) - 0.5)) *
      smoothstep(14, 30, side);
    const chin = smoothstep(mouth.y - 12, mouth.y - 20, y);
    const moustache =
      smoothstep(1, -5, y - nose.base + 2 + 0.22 * side) *
      smoothstep(38, 22, side) *
      (1 - 0.4 * Math.exp(-((x / 3) ** 2)));
    const soul = 0.7 * Math.exp(-((x / 6) ** 2)) * smoothstep(mouth.y - 8, mouth.y - 14, y);
    const where = Math.max(jaw, chin, moustache, soul);
    const hairs = this.fine.at(arc * 2.7 + 13, y * 1.9 + this.offset);
    const lip = this.lips(x, y) > 0.3 ? 0.1 : 1;
    return Math.min(0.96, amount * where * lip * (0.6 + 0.8 * hairs));
  }
}
