import type { Stage } from '../stage.js';

/** Mirrors the whole clip and its landmarks left to right. */
export const flip: Stage<{ prob: number }> = {
  name: 'flip',
  defaults: { prob: 0.5 },
  apply(clip, { prob }, { random, count }) {
    if (!random.chance(prob)) return;
    clip.assertNotGathered('flip');
    count('flipped');
    clip.flipped = !clip.flipped;
    const { x0, x1 } = clip.box;
    clip.box = { ...clip.box, x0: clip.stored.width - x1, x1: clip.stored.width - x0 };
    mirrorLandmarks(clip.landmarks, clip.points, clip.width);
  },
};

/**
 * Landmarks `[T, points, 2]` of the mirrored picture, in place: the points change sides and keep their meaning (the
 * first jaw point stays the one at the left temple of the picture). Pixel column x becomes width - 1 - x, so that a
 * mask drawn from them is the mirrored mask to the pixel.
 */
export function mirrorLandmarks(landmarks: Float64Array, points: 68 | 81, width: number): void {
  const partner = MIRROR.slice(0, points);
  for (let start = 0; start < landmarks.length; start += points * 2) {
    const before = landmarks.slice(start, start + points * 2);
    partner.forEach((from, to) => {
      landmarks[start + 2 * to] = width - 1 - before[2 * from]!;
      landmarks[start + 2 * to + 1] = before[2 * from + 1]!;
    });
  }
}

/** For each of the 81 points (iBUG 68 and 13 of the forehead) the one that takes its place in the mirrored face. */
const MIRROR: readonly number[] = (() => {
  const map = Array.from({ length: 81 }, (_, i) => i);
  const reverse = (first: number, last: number): void => {
    for (let i = first; i <= last; i++) map[i] = first + last - i;
  };
  const swap = (a: number, b: number): void => {
    map[a] = b;
    map[b] = a;
  };
  reverse(0, 16); // jaw
  reverse(17, 26); // brows
  reverse(31, 35); // nostrils; the bridge 27..30 stays
  for (const [a, b] of [
    [36, 45],
    [37, 44],
    [38, 43],
    [39, 42],
    [40, 47],
    [41, 46],
  ] as const)
    swap(a, b); // eyes
  reverse(48, 54); // outer lips, upper
  reverse(55, 59); // outer lips, lower
  reverse(60, 64); // inner lips, upper
  reverse(65, 67); // inner lips, lower
  reverse(68, 80); // forehead
  return map;
})();
