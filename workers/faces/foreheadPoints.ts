/** Points added to the 68 of iBUG's markup. */
export const FOREHEAD_POINTS = 13;

/** iBUG's points: ends of the jaw, chin, brows, eyes, base of the nose. */
const JAW = { first: 0, last: 16 };
const BROWS = { first: 17, last: 26 };
const EYES = { first: 36, last: 47 };
const NOSE_BASE = 33;

/** The temples lie above the ends of the jaw, by this share of the face's width. */
const TEMPLE_RISE = 0.1;
/**
 * Brows to hairline, as a share of brows to base of the nose. In the canon of thirds the two are alike; less keeps
 * the mask out of the hair.
 */
const FOREHEAD_HEIGHT = 0.6;

/**
 * Thirteen points of the forehead, which the 68 landmarks leave out: a half ellipse from temple to temple over the brows,
 * from the left of an upright picture to the right. A guess from the other points: hair or a fringe do not move it.
 *
 * @param face `[68, 2]`
 * @returns `[13, 2]`
 */
export function foreheadPoints(face: ArrayLike<number>): Float64Array {
  const mean = (first: number, last: number, axis: 0 | 1): number => {
    let sum = 0;
    for (let p = first; p <= last; p++) sum += face[2 * p + axis]!;
    return sum / (last - first + 1);
  };
  const at = (p: number) => [face[2 * p]!, face[2 * p + 1]!] as const;
  const [leftX, leftY] = at(JAW.first);
  const [rightX, rightY] = at(JAW.last);
  const [halfX, halfY] = [(rightX - leftX) / 2, (rightY - leftY) / 2];
  const [noseX, noseY] = at(NOSE_BASE);
  // Up is from the nose's base to the middle of the eyes, which a face in half profile keeps better than the jaw.
  let [upX, upY] = [mean(EYES.first, EYES.last, 0) - noseX, mean(EYES.first, EYES.last, 1) - noseY];
  const length = Math.hypot(upX, upY) || 1;
  upX /= length;
  upY /= length;
  const rise = TEMPLE_RISE * 2 * Math.hypot(halfX, halfY);
  const [middleX, middleY] = [(leftX + rightX) / 2 + rise * upX, (leftY + rightY) / 2 + rise * upY];
  const heightOf = (x: number, y: number) => (x - middleX) * upX + (y - middleY) * upY;
  const brow = heightOf(mean(BROWS.first, BROWS.last, 0), mean(BROWS.first, BROWS.last, 1));
  const top = Math.max(brow + FOREHEAD_HEIGHT * (brow - heightOf(noseX, noseY)), 0);
  const points = new Float64Array(2 * FOREHEAD_POINTS);
  for (let i = 0; i < FOREHEAD_POINTS; i++) {
    const angle = Math.PI * (1 - i / (FOREHEAD_POINTS - 1));
    const [across, up] = [Math.cos(angle), top * Math.sin(angle)];
    points[2 * i] = middleX + across * halfX + up * upX;
    points[2 * i + 1] = middleY + across * halfY + up * upY;
  }
  return points;
}
