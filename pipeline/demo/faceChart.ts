import type { Identity } from './identity.js';

/**
 * Where the features of a face lie on the chart of the head's surface: `x` in millimetres from the midline
 * (negative on the left of the picture), `y` in millimetres above the line of the eyes. Geometry, paint and landmarks
 * all read this one description, so that the landmarks sit on what is drawn.
 */
export type FaceChart = {
  readonly eye: { inner: number; outer: number; innerY: number; outerY: number; upper: number; lower: number };
  readonly mouth: { y: number; inner: number; outer: number; upper: number; lower: number };
  readonly brow: { points: readonly (readonly [number, number])[]; thickness: number };
  readonly nose: { width: number; base: number; tip: number };
};

/** Half the height of the closed mouth's slit on the chart; expression closes or opens it exactly. */
export const MOUTH_SLIT = 1.6;

/** Distance from mouth corner to the inner corner of the lips. */
const CORNER = 3;

export function faceChart(identity: Identity): FaceChart {
  const { eyes, mouth, brows, shape } = identity;
  const centre = 31.5 * eyes.spacing;
  const half = 14.2 * eyes.length;
  const browY = brows.y;
  const brow = (x: number, y: number): readonly [number, number] => [
    x,
    y + browY + brows.arch * 2.6 * Math.exp(-(((x - 41) / 11) ** 2)) + brows.tilt * (x - 35),
  ];
  return {
    eye: {
      inner: centre - half,
      outer: centre + half,
      innerY: -2.2,
      outerY: -1 + eyes.tilt,
      upper: 6 * eyes.height,
      lower: 3.7 * eyes.height,
    },
    mouth: {
      y: mouth.y,
      inner: 22.5 * mouth.width,
      outer: 22.5 * mouth.width + CORNER,
      upper: 7 * mouth.upperLip,
      lower: 9 * mouth.lowerLip,
    },
    brow: {
      points: [brow(56, 14.5), brow(49, 18.5), brow(39, 20.5), brow(27, 19.8), brow(14.5, 18)],
      thickness: 3.1 * brows.thickness,
    },
    nose: { width: 13.5 * shape.noseWidth, base: -49 * shape.noseLength, tip: -37 * shape.noseLength },
  };
}

/** Upper and lower lid at a distance `x ≥ 0` from the midline, or null beside the eye. */
export function lidsAt(chart: FaceChart, x: number): { upper: number; lower: number } | null {
  const { inner, outer, innerY, outerY, upper, lower } = chart.eye;
  const s = (x - inner) / (outer - inner);
  if (s <= 0 || s >= 1) return null;
  const line = innerY + (outerY - innerY) * s;
  // The upper lid is highest nearer the nose, the lower lid lowest nearer the temple.
  const bell = 4 * s * (1 - s);
  return {
    upper: line + upper * bell ** 0.7 * (1.06 - 0.12 * s),
    lower: line - lower * bell ** 0.75 * (0.9 + 0.2 * s),
  };
}

/** The line through both eye corners, continued beyond them. */
export function eyeLine(chart: FaceChart, x: number): number {
  const { inner, outer, innerY, outerY } = chart.eye;
  const s = Math.min(1, Math.max(0, (x - inner) / (outer - inner)));
  return innerY + (outerY - innerY) * s;
}

/** Half height of the mouth's slit on the chart at x (0 from the inner corners outwards). */
export function slitAt(chart: FaceChart, x: number): number {
  const q = x / chart.mouth.inner;
  return Math.abs(q) >= 1 ? 0 : MOUTH_SLIT * (1 - q * q) ** 0.8;
}

/** Outline of the lips at x, or null beside the mouth. */
export function lipsAt(chart: FaceChart, x: number): { upper: number; lower: number } | null {
  const { outer, y, upper, lower } = chart.mouth;
  const q = Math.abs(x) / outer;
  if (q >= 1) return null;
  // Cupid's bow: two peaks at a fifth of the half width and a dip on the midline.
  const bow = (1 - q * q) ** 0.62 * (1 - 0.1 * Math.exp(-((q / 0.1) ** 2))) * (1 - 0.28 * q);
  return { upper: y + MOUTH_SLIT * 0.6 + upper * bow, lower: y - MOUTH_SLIT * 0.6 - lower * (1 - q * q) ** 0.75 };
}
