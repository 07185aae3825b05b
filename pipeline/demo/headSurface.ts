import { type FaceChart, lidsAt, slitAt } from './faceChart.js';
import type { Identity } from './identity.js';
import { smoothstep } from './valueNoise.js';

/** A moment of a face. Lengths in millimetres, angles in radians, `blink` 0 open to 1 closed. */
export type Expression = {
  jaw: number;
  wide: number;
  smile: number;
  blink: number;
  gazeX: number;
  gazeY: number;
  brow: number;
};

/** The chart ends at the chin and at the crown; `y` between them, in millimetres above the eyes of an average head. */
export const CHIN = -116;
export const CROWN = 117;

/** Half width, centre and front/back depth of the head's horizontal slices, from anthropometric averages. */
const SLICES: readonly (readonly [y: number, width: number, centre: number, front: number, back: number])[] = [
  [-116, 30, 50, 27, 34],
  [-106, 38, 44, 42, 38],
  [-97, 46.5, 33, 54, 48],
  [-85, 55, 20, 67, 60],
  [-70, 62, 8, 81, 74],
  [-55, 66.5, 2, 86, 85],
  [-40, 69.5, -2, 88, 90],
  [-20, 72, -6, 91, 95],
  [0, 74, -8, 93, 98],
  [20, 76, -8, 100, 101],
];

type Bump = { x: number; y: number; sx: number; sy: number; z: number };

/**
 * The surface of a head as a function of the chart: `theta` is the angle around the vertical axis (0 in front, positive
 * to the right of the picture) and `y` the height. Head space: millimetres, x right, y up, z towards the camera.
 */
export class HeadSurface {
  private readonly bumps: readonly Bump[];
  private readonly widths: Float64Array;

  constructor(
    readonly identity: Identity,
    readonly chart: FaceChart,
  ) {
    this.bumps = relief(identity, chart);
    this.widths = Float64Array.from({ length: CROWN - CHIN + 2 }, (_, i) => this.slice(CHIN + i).width);
  }

  /** Slice of the bare head at a height: half width, z of the centre, depth in front of it and behind it. */
  slice(y: number): { width: number; centre: number; front: number; back: number } {
    const shape = this.identity.shape;
    if (y >= 20) {
      const t = Math.min(1, (y - 20) / (CROWN - 20));
      const close = Math.sqrt(Math.max(0, 1 - t ** 2.35));
      return { width: 76 * close, centre: -8, front: 100 * close * (1 + 0.02 * t), back: 101 * close };
    }
    let i = 0;
    while (i < SLICES.length - 2 && y > SLICES[i + 1]![0]) i++;
    const value = (column: 1 | 2 | 3 | 4) => catmullRom(SLICES, i, column, y);
    const t = Math.max(0, (-98 - y) / (-98 - CHIN));
    const close = Math.sqrt(Math.max(0, 1 - t * t));
    const jaw = 1 + (shape.jawWidth - 1) * smoothstep(-10, -80, y);
    return { width: value(1) * close * jaw, centre: value(2), front: value(3) * close, back: value(4) * close };
  }

  /** Half width of the bare head at a height, from a table (millimetre steps) since shading asks for every pixel. */
  widthAt(y: number): number {
    const position = Math.min(CROWN - CHIN - 1e-6, Math.max(0, y - CHIN));
    const i = position | 0;
    return this.widths[i]! + (this.widths[i + 1]! - this.widths[i]!) * (position - i);
  }

  /** Chart angle of the point at a distance x from the midline. */
  angleAt(x: number, y: number): number {
    return Math.asin(Math.max(-1, Math.min(1, x / this.slice(y).width)));
  }

  /** The surface at rest, before the person's proportions are applied. */
  rest(theta: number, y: number, out: Float64Array): void {
    const { width, centre, front, back } = this.slice(y);
    const sin = Math.sin(theta);
    const cos = Math.cos(theta);
    const x = width * sin;
    out[0] = x;
    out[1] = y;
    out[2] = centre + (cos > 0 ? front * cos ** 0.92 : back * cos);
    if (cos <= 0) return;
    const edge = smoothstep(0, 0.25, cos);
    let z = 0;
    for (const bump of this.bumps) {
      const dy = (y - bump.y) / bump.sy;
      if (dy > 3 || dy < -3) continue;
      const dx = (x - bump.x) / bump.sx;
      if (dx > 3 || dx < -3) continue;
      z += bump.z * Math.exp(-(dx * dx + dy * dy));
    }
    out[2]! += z * edge + this.nose(x, y);
  }

  /** Height of the nose over the face. */
  private nose(x: number, y: number): number {
    const { shape } = this.identity;
    const { base, tip, width } = this.chart.nose;
    if (y > 18 || y < base - 7 || x > 30 || x < -30) return 0;
    const along = (y - 6) / (tip - 6);
    const ridge =
      along < 0
        ? 4 * smoothstep(18, 6, y)
        : along < 1
          ? 4 + 16.5 * along ** 1.1 + shape.noseHump * Math.exp(-(((along - 0.35) / 0.25) ** 2))
          : 20.5 * smoothstep(base - 6, tip + 3, y);
    const spread = 7.4 + 4 * smoothstep(0.35, 1, along) * shape.noseWidth + 2.5 * smoothstep(0.2, 0, along);
    const bridge = ridge * shape.noseHeight * Math.exp(-(Math.abs(x / spread) ** 1.75));
    const wingY = (y - (base + 6.5)) / 6.5;
    const wingX = (Math.abs(x) - width * 0.78) / (width * 0.36);
    const wing = 6.5 * shape.noseHeight * Math.exp(-wingX * wingX - wingY * wingY);
    const ball = 4 * Math.exp(-((x / 7) ** 2) - ((y - tip) / 6.5) ** 2);
    return bridge + wing + ball;
  }

  /** Moves a point at rest by an expression. `theta`, `y`: its chart coordinates; `x` = its x at rest. */
  express(theta: number, x: number, y: number, e: Expression, point: Float64Array): void {
    if (y > 60 || Math.cos(theta) <= 0.02) return;
    if (y < -30) this.moveMouth(theta, x, y, e, point);
    else this.moveLids(x, y, e, point);
    if (e.brow !== 0 && y > 2) {
      const lift = Math.exp(-(((y - 20) / 13) ** 2) - ((Math.abs(x) - 33) / 26) ** 2) * smoothstep(5, 12, y);
      point[1]! += e.brow * lift;
    }
  }

  private moveLids(x: number, y: number, e: Expression, point: Float64Array): void {
    const side = Math.abs(x);
    if (y > 26 || y < -22) return;
    const lids = lidsAt(this.chart, side);
    if (!lids) return;
    const gap = lids.upper - lids.lower;
    // The upper lid follows the gaze down, and a smile narrows the eyes.
    const follow = e.gazeY < 0 ? -0.9 * e.gazeY : -0.3 * e.gazeY;
    const closed = Math.min(1, Math.max(-0.1, e.blink + follow + 0.12 * Math.max(0, e.smile)));
    const upper = -closed * gap * 0.88;
    const lower = Math.max(0, closed) * gap * 0.1 + 0.6 * Math.max(0, e.smile) * Math.min(1, gap / 6);
    if (y >= lids.upper) {
      const fall = Math.max(0, 1 - (y - lids.upper) / 12);
      point[1]! += upper * fall * fall;
    } else if (y <= lids.lower) {
      const fall = Math.max(0, 1 - (lids.lower - y) / 10);
      point[1]! += lower * fall * fall;
    } else {
      const p = (y - lids.lower) / gap;
      point[1]! += lower + (upper - lower) * p;
    }
  }

  private moveMouth(theta: number, x: number, y: number, e: Expression, point: Float64Array): void {
    const { mouth } = this.chart;
    const slit = slitAt(this.chart, x);
    const side = Math.abs(x);
    const hinge = smoothstep(0.05, 0.6, Math.cos(theta));
    // Which share of the jaw's way skin takes: all of it under the mouth, none above, one smooth field beside it.
    const field = smoothstep(-38, -104, y);
    const corner = Math.min(1, (side / (mouth.inner + 1)) ** 2);
    const above = -e.jaw * field * corner * hinge;
    const below = -e.jaw * (1 - (1 - field) * corner) * hinge;
    const upperEdge = mouth.y + slit;
    const lowerEdge = mouth.y - slit;
    const liftAt = Math.max(0, e.smile) * 1.5 * Math.exp(-((x / 18) ** 2));
    let moved: number;
    if (y >= upperEdge) moved = above + (liftAt - slit) * Math.exp(-(((y - upperEdge) / 9) ** 2));
    else if (y <= lowerEdge) moved = below + slit * Math.exp(-(((lowerEdge - y) / 9) ** 2));
    else {
      const p = (y - lowerEdge) / (2 * slit);
      moved = (above + liftAt - slit) * p + (below + slit) * (1 - p);
      // The opening is a hollow: its film lies behind the lips.
      point[2]! -= Math.min(6, e.jaw) * 4 * p * (1 - p);
    }
    const near = Math.exp(-(((y - mouth.y) / 17) ** 2));
    const sideways = near * Math.exp(-((x / 40) ** 2));
    const cheek = Math.exp(-(((side - mouth.outer) / 13) ** 2) - ((y - mouth.y - 3) / 15) ** 2);
    point[0]! += x * e.wide * 0.17 * sideways + Math.sign(x) * e.smile * 4 * cheek * Math.min(1, side / 8);
    point[1]! += moved + e.smile * 4.5 * cheek;
    point[2]! +=
      -0.22 * e.jaw * (y < mouth.y ? 1 - (1 - field) * corner : field * corner) * hinge - e.wide * 4 * sideways;
    point[2]! += Math.max(0, e.smile) * 3 * Math.exp(-(((side - 42) / 14) ** 2) - ((y + 40) / 16) ** 2);
  }

  /** The person's proportions, applied last: head space of an average head to head space of this one. */
  proportion(point: Float64Array): void {
    const { shape } = this.identity;
    point[0]! *= shape.width;
    point[1]! *= point[1]! > 0 ? shape.upperHeight : shape.lowerHeight;
    point[2]! *= shape.depth;
  }

  /** A chart point under an expression, in this person's head space. */
  point(theta: number, y: number, e: Expression, out: Float64Array): void {
    this.rest(theta, y, out);
    this.express(theta, out[0]!, y, e, out);
    this.proportion(out);
  }
}

/** Hills and hollows of the face over the bare slices. */
function relief(identity: Identity, chart: FaceChart): Bump[] {
  const { shape, skin } = identity;
  const { eye, mouth, nose } = chart;
  const centre = (eye.inner + eye.outer) / 2;
  const pairs: Bump[] = [
    { x: centre, y: 3, sx: 19, sy: 11, z: -9 },
    { x: eye.inner - 3, y: 3, sx: 7, sy: 9, z: -5 },
    { x: centre, y: 0.5, sx: 12, sy: 7.5, z: 5.5 },
    { x: centre, y: -11, sx: 13, sy: 4, z: 0.8 + skin.age },
    { x: centre + 2, y: 17, sx: 20, sy: 6, z: 3.2 * shape.brow },
    { x: 48, y: -22, sx: 17, sy: 14, z: 4.5 * shape.cheekbone },
    { x: 40, y: -52, sx: 14, sy: 18, z: -1.5 - 1.5 * skin.age },
    { x: 65, y: 28, sx: 14, sy: 20, z: -5 },
    { x: nose.width + 5, y: nose.base - 2, sx: 5, sy: 8, z: -1.6 - 1.4 * skin.age },
    { x: mouth.outer + 4, y: mouth.y - 1, sx: 6, sy: 7, z: -2 },
  ];
  const middle: Bump[] = [
    { x: 0, y: mouth.y + 4, sx: 20, sy: 5, z: 4.6 },
    { x: 0, y: mouth.y - 6, sx: 17, sy: 5.5, z: 5.2 },
    { x: 0, y: mouth.y, sx: 24, sy: 1.6, z: -2.2 },
    { x: 0, y: mouth.y - 17, sx: 17, sy: 5.5, z: -4.5 },
    { x: 0, y: -102, sx: 15, sy: 10, z: 4.5 * shape.chin },
    { x: 0, y: nose.base - 8, sx: 3.2, sy: 6, z: -1.2 },
    { x: 0, y: 45, sx: 30, sy: 20, z: 2 },
  ];
  return [...pairs, ...pairs.map((bump) => ({ ...bump, x: -bump.x })), ...middle];
}

function catmullRom(table: typeof SLICES, i: number, column: 1 | 2 | 3 | 4, y: number): number {
  const [y1, y2] = [table[i]![0], table[i + 1]![0]];
  const t = Math.min(1, Math.max(0, (y - y1) / (y2 - y1)));
  const p1 = table[i]![column];
  const p2 = table[i + 1]![column];
  const slope = (a: number, b: number) => (table[b]![column] - table[a]![column]) / (table[b]![0] - table[a]![0]);
  const m1 = slope(Math.max(0, i - 1), i + 1) * (y2 - y1);
  const m2 = slope(i, Math.min(table.length - 1, i + 2)) * (y2 - y1);
  const [t2, t3] = [t * t, t * t * t];
  return (2 * t3 - 3 * t2 + 1) * p1 + (t3 - 2 * t2 + t) * m1 + (-2 * t3 + 3 * t2) * p2 + (t3 - t2) * m2;
}
