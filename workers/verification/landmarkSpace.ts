import type { StoredClip } from '../npz/readClip.js';

/**
 * In which coordinates a clip's landmarks are, as far as they can tell themselves:
 * - `crop`: pixels of the crop, as they should be;
 * - `full-frame`: pixels of the video's frame (or of a larger crop), from which the crop's corner was never subtracted;
 * - `normalised`: shares of the picture's side, 0..1;
 * - `swapped`: (y, x) in place of (x, y);
 * - `outside`: none of these, but not in the picture either.
 */
export type LandmarkSpace = 'crop' | 'full-frame' | 'normalised' | 'swapped' | 'outside';

export type LandmarkVerdict = {
  space: LandmarkSpace;
  /** Box around the first 68 points, median over the frames, pixels. */
  face: { left: number; top: number; right: number; bottom: number };
  /** Landmarks outside the picture, all points of all frames, and the frames that have any. */
  outsidePoints: number;
  outsideFrames: number;
};

/**
 * The middle of a face may lie so far from the crop's, as a share of the crop's side. Crops are steady squares around
 * the face: over 23 clips of large faces, the middle of the 68 points is 0.04 to 0.11 from the crop's, and up to 0.22 over
 * 125 of all sizes, since squares keep inside the picture.
 */
const MAX_OFF_CENTRE = 1 / 3;
/** Share of the 68 points outside the picture, beyond which a mask drawn from them would miss the face. */
const MAX_OUTSIDE = 0.25;
/** Normalised coordinates leave 0..1 where a point lies outside the picture, but not by much. */
const NORMALISED = { least: -0.5, most: 1.5 };
/** Pictures smaller than this could hold a face whose pixel coordinates look normalised. */
const NORMALISED_MIN_SIDE = 8;

/** iBUG's 68 points: ends of the jaw, chin, root of the nose. */
const JAW = { right: 0, left: 16, chin: 8, nose: 27 };
const FACE_POINTS = 68;

/** Looks at positions alone, so it cannot see an offset that leaves the face near the crop's middle. */
export function landmarkSpace(
  clip: Pick<StoredClip, 'frames' | 'height' | 'width' | 'points' | 'landmarks'>,
): LandmarkVerdict {
  const { frames, height, width, points, landmarks } = clip;
  const edges: [number[], number[], number[], number[]] = [[], [], [], []];
  let [outsidePoints, outsideFrames, outsideFace, swappedFrames] = [0, 0, 0, 0];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let f = 0; f < frames; f++) {
    const at = (point: number) => (f * points + point) * 2;
    const box = [
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ];
    let outside = 0;
    for (let p = 0; p < points; p++) {
      const [x, y] = [landmarks[at(p)]!, landmarks[at(p) + 1]!];
      const isOutside = x < 0 || y < 0 || x > width || y > height;
      if (isOutside) outside++;
      if (p >= FACE_POINTS) continue;
      if (isOutside) outsideFace++;
      box[0] = Math.min(box[0]!, x);
      box[1] = Math.min(box[1]!, y);
      box[2] = Math.max(box[2]!, x);
      box[3] = Math.max(box[3]!, y);
    }
    outsidePoints += outside;
    if (outside > 0) outsideFrames++;
    if (looksSwapped(landmarks, at)) swappedFrames++;
    least = Math.min(least, box[0]!, box[1]!);
    most = Math.max(most, box[2]!, box[3]!);
    box.forEach((edge, i) => {
      edges[i]!.push(edge);
    });
  }
  const [left, top, right, bottom] = edges.map(median) as [number, number, number, number];
  const centre = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const offCentre = Math.hypot(centre.x / width - 0.5, centre.y / height - 0.5);
  const outsideShare = outsideFace / (frames * FACE_POINTS);

  const space = (): LandmarkSpace => {
    if (Math.min(width, height) >= NORMALISED_MIN_SIDE && least >= NORMALISED.least && most <= NORMALISED.most)
      return 'normalised';
    if (2 * swappedFrames > frames) return 'swapped';
    const larger = right - left > width || bottom - top > height;
    if (offCentre <= MAX_OFF_CENTRE && outsideShare <= MAX_OUTSIDE && !larger) return 'crop';
    // A frame's coordinates begin at its corner; a middle left of it or above it belongs to no picture.
    return centre.x >= 0 && centre.y >= 0 ? 'full-frame' : 'outside';
  };
  return { space: space(), face: { left, top, right, bottom }, outsidePoints, outsideFrames };
}

/**
 * Exchanging x and y is a reflection: it turns the way from jaw end to jaw end and the way from nose to chin around
 * each other, which no rotation of a head does. A mirrored face does too, but its chin stays below.
 */
function looksSwapped(landmarks: Float64Array, at: (point: number) => number): boolean {
  const way = (from: number, to: number): [number, number] => [
    landmarks[at(to)]! - landmarks[at(from)]!,
    landmarks[at(to) + 1]! - landmarks[at(from) + 1]!,
  ];
  const [jawX, jawY] = way(JAW.right, JAW.left);
  const [chinX, chinY] = way(JAW.nose, JAW.chin);
  return jawX * chinY - jawY * chinX < 0 && Math.abs(jawY) > Math.abs(jawX) && Math.abs(chinX) > Math.abs(chinY);
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
