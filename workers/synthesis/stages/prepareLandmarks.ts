import { gaussianKernel } from '../../image/gaussianKernel.js';
import type { Stage } from '../stage.js';

/** From dlib's 81-point model to temple-to-temple order of the 13 forehead points, as self-blended images use it. */
const DLIB_FOREHEAD = [77, 75, 76, 68, 69, 70, 71, 80, 72, 73, 79, 74, 78] as const;
/** Kernel reach in standard deviations, as scipy's gaussian_filter1d. */
const TRUNCATE = 4;

/**
 * Puts the forehead points into temple-to-temple order and removes the predictor's frame-to-frame noise: a Gaussian
 * over time inside each run, its ends mirrored with the end frame repeated (scipy's `reflect`).
 *
 * `forehead`: `dlib` reorders, `ordered` leaves the points alone, `auto` takes the order whose outline is shorter.
 */
export const prepareLandmarks: Stage<{ smooth_sigma: number; forehead: string }> = {
  name: 'prepare_landmarks',
  defaults: { smooth_sigma: 1, forehead: 'auto' },
  apply(clip, { smooth_sigma, forehead }, { fail }) {
    if (!['auto', 'dlib', 'ordered'].includes(forehead))
      return fail(`expected auto, dlib or ordered for forehead but received ${forehead}`);
    const { landmarks, points, frames } = clip;
    if (points === 81 && (forehead === 'dlib' || (forehead === 'auto' && dlibOrderIsShorter(landmarks))))
      for (let t = 0; t < frames; t++) reorderForehead(landmarks.subarray(t * points * 2, (t + 1) * points * 2));
    if (smooth_sigma > 0) smoothOverTime(landmarks, frames, clip.segments, smooth_sigma);
  },
};

function dlibOrderIsShorter(frame: Float64Array): boolean {
  const length = (order: readonly number[]): number =>
    order.slice(1).reduce((sum, to, i) => {
      const from = order[i]!;
      return sum + Math.hypot(frame[2 * to]! - frame[2 * from]!, frame[2 * to + 1]! - frame[2 * from + 1]!);
    }, 0);
  return length(DLIB_FOREHEAD) < length([...DLIB_FOREHEAD].sort((a, b) => a - b));
}

function reorderForehead(frame: Float64Array): void {
  const before = frame.slice();
  DLIB_FOREHEAD.forEach((from, i) => {
    frame[2 * (68 + i)] = before[2 * from]!;
    frame[2 * (68 + i) + 1] = before[2 * from + 1]!;
  });
}

/** `values` `[T, n]` in place; segments are never mixed. */
export function smoothOverTime(values: Float64Array, frames: number, segments: number, sigma: number): void {
  const radius = Math.floor(TRUNCATE * sigma + 0.5);
  const kernel = gaussianKernel(2 * radius + 1, sigma);
  const length = frames / segments;
  const width = values.length / frames;
  for (let segment = 0; segment < segments; segment++) {
    const start = segment * length * width;
    const before = values.slice(start, start + length * width);
    for (let t = 0; t < length; t++) {
      values.fill(0, start + t * width, start + (t + 1) * width);
      for (let tap = -radius; tap <= radius; tap++) {
        const from = mirror(t + tap, length) * width;
        for (let i = 0; i < width; i++) values[start + t * width + i]! += kernel[tap + radius]! * before[from + i]!;
      }
    }
  }
}

/** ... 1 0 | 0 1 2 ... */
function mirror(index: number, length: number): number {
  const period = 2 * length;
  const i = ((index % period) + period) % period;
  return i < length ? i : period - 1 - i;
}
