import { lidsAt, lipsAt, slitAt } from './faceChart.js';
import type { HeadSurface } from './headSurface.js';

/** A landmark as a place on the chart of the head: angle around the vertical axis and height. */
export type ChartPoint = { readonly theta: number; readonly y: number };

/** Angles (degrees) and heights (millimetres) of the jaw's outline from the ear (index 0) to the chin (index 8). */
const JAW: readonly (readonly [number, number])[] = [
  [77, -2],
  [76, -19],
  [74.5, -36],
  [71.5, -53],
  [66, -69],
  [58, -83],
  [47, -96],
  [27, -107],
  [0, -111.5],
];

/** Height of the forehead's half ellipse over the temples, and where those are. */
const TEMPLE = { x: 64, y: 23 };
const FOREHEAD_TOP = 70;

/**
 * The 81 landmarks of a head on its chart: 68 in iBUG 300-W order (jaw 0–16 from the left of the picture, brows, nose,
 * eyes, outer and inner lips) and 13 of the forehead on a half ellipse from temple to temple, from the left of the
 * picture to the right (not dlib's 81-point order).
 */
export function landmarks81(surface: HeadSurface): ChartPoint[] {
  const { chart } = surface;
  const at = (x: number, y: number): ChartPoint => ({ theta: surface.angleAt(x, y), y });
  const jawLeft = JAW.map(([degrees, y]) => ({ theta: (-degrees * Math.PI) / 180, y }));
  const jaw = [...jawLeft, ...jawLeft.slice(0, 8).reverse().map(mirror)];
  const browLeft = chart.brow.points.map(([x, y]) => at(-x, y));
  const brows = [...browLeft, ...[...browLeft].reverse().map(mirror)];

  const { nose, eye, mouth } = chart;
  const bridge = [0, 1, 2, 3].map((i) => at(0, 1 + ((nose.tip - 1) * i) / 3));
  const nostrilLeft = [at(-nose.width, nose.base + 2.5), at(-nose.width * 0.52, nose.base)];
  const nostrils = [...nostrilLeft, at(0, nose.base - 1), ...[...nostrilLeft].reverse().map(mirror)];

  const lid = (share: number, edge: 'upper' | 'lower') => {
    const x = eye.inner + (eye.outer - eye.inner) * share;
    return at(-x, lidsAt(chart, x)![edge]);
  };
  const outer = at(-eye.outer, eye.outerY);
  const inner = at(-eye.inner, eye.innerY);
  const third = 1 / 3;
  const eyeLeft = [
    outer,
    lid(1 - third, 'upper'),
    lid(third, 'upper'),
    inner,
    lid(third, 'lower'),
    lid(1 - third, 'lower'),
  ];
  // The other eye starts at its inner corner: the mirror image of 39, 38, 37, 36, 41, 40.
  const eyeRight = [3, 2, 1, 0, 5, 4].map((i) => mirror(eyeLeft[i]!));

  const lip = (share: number, edge: 'upper' | 'lower') => {
    const x = mouth.outer * share;
    return at(x, lipsAt(chart, x)![edge]);
  };
  const edge = (share: number, sign: 1 | -1) => {
    const x = mouth.inner * share;
    return at(x, mouth.y + sign * slitAt(chart, x));
  };
  const lips = [
    at(-mouth.outer, mouth.y),
    ...[-0.58, -0.2, 0, 0.2, 0.58].map((share) => lip(share, 'upper')),
    at(mouth.outer, mouth.y),
    ...[0.58, 0.27, 0, -0.27, -0.58].map((share) => lip(share, 'lower')),
    at(-mouth.inner, mouth.y),
    ...[-0.42, 0, 0.42].map((share) => edge(share, 1)),
    at(mouth.inner, mouth.y),
    ...[0.42, 0, -0.42].map((share) => edge(share, -1)),
  ];

  const forehead = Array.from({ length: 13 }, (_, i) => {
    const angle = Math.PI - (Math.PI * i) / 12;
    return at(TEMPLE.x * Math.cos(angle), TEMPLE.y + (FOREHEAD_TOP - TEMPLE.y) * Math.sin(angle));
  });
  return [...jaw, ...brows, ...bridge, ...nostrils, ...eyeLeft, ...eyeRight, ...lips, ...forehead];
}

function mirror(point: ChartPoint): ChartPoint {
  return { theta: -point.theta, y: point.y };
}
