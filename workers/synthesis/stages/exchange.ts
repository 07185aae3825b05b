import { convexHull } from '../../image/convexHull.js';
import { fillConvex } from '../../image/fillConvex.js';
import { matchColours } from '../../image/matchColours.js';
import { splineThrough } from '../../image/thinPlateSpline.js';
import { warpRgb } from '../../image/warpRgb.js';
import type { StoredLandmarks } from '../../npz/readLandmarks.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { SampleError } from '../sampleError.js';
import type { Stage } from '../stage.js';
import { nearestDonor } from './nearestDonor.js';
import { CARRYING_POINTS, carryingPoints, meanPoint, nearestFrame, spreadOf } from './nearestPose.js';
import { prepareLandmarks, smoothOverTime } from './prepareLandmarks.js';
import { contiguousRuns } from './selectFrames.js';

/** Nodes a side of the grid on which the spline is computed. */
const NODES = 25;
/** By so little may the spline miss its points that landmarks in one place, as on a far nostril, leave it solvable. */
const RELAXATION = 1e-6;

/**
 * With probability `prob` the source becomes another person's face, as in Face X-ray (Li et al. 2020), in place of the
 * clip's own: of the clips offered the one whose pose comes nearest, carried onto this face's landmarks frame by frame
 * by a thin-plate spline, with this face's colours. A self-blended face is always a copy of its surroundings' person, a
 * little softer; of an exchanged one nothing tells but that it does not belong to what is around it.
 */
export const exchange: Stage<{ prob: number }> = {
  name: 'exchange',
  defaults: { prob: 0.5 },
  async apply(clip, { prob }, { random, workspace, donors, count, fail, peek }) {
    if (clip.support) throw new RecipeError('exchange has to come before mask and colour');
    if (!random.chance(prob)) return;
    if (donors.length === 0)
      throw new RecipeError('exchange: Expected other clips to take a face from but received none');
    const { frames, segments, width, height, points, landmarks, frameBytes, target } = clip;
    const perSegment = frames / segments;
    const faceAt = (t: number): Float64Array => carryingPoints(landmarks, points, t);
    const middleOf = (segment: number): Float64Array => faceAt(segment * perSegment + Math.floor(perSegment / 2));
    if (!(spreadOf(middleOf(0)) > 0)) return fail('the face has no area: no other can be carried onto it');
    const passedOver: SampleError[] = [];
    const donor = await nearestDonor(donors, middleOf(0), frames, passedOver);
    if (passedOver.length > 0) count('donors_passed_over', passedOver.length);
    if (!donor)
      return fail(`none of ${donors.length} other clips could be used; the last was ${passedOver.at(-1)!.message}`);
    count('exchanged');

    const smoothing = peek(prepareLandmarks)?.params.smooth_sigma ?? 0;
    const source = workspace.bytes('exchanged source', frames * frameBytes);
    const mask = workspace.bytes('exchanged hull', frames * width * height).fill(0);
    for (let segment = 0; segment < segments; segment++) {
      const order = framesAround(donor, middleOf(segment), perSegment);
      const faces = facesOf(donor, order, smoothing);
      for (const [i, frame] of order.entries()) {
        const t = segment * perSegment + i;
        const places = placesOf(faceAt(t), faces[i]!, width, height);
        if (!places) return fail('the face has no area: no other can be carried onto it');
        const from = frame * donor.width * donor.height * 3;
        const grid = { columns: NODES, rows: NODES, places };
        warpRgb(donor.pixels, from, donor.width, donor.height, source, t * frameBytes, width, height, grid);
        fillConvex(mask, t * width * height, width, height, convexHull(hullPoints(clip, t)));
      }
    }
    matchColours(source, target, mask);
    clip.source = source;
  },
};

/**
 * So many contiguous frames of the donor about the one whose pose comes nearest; where its run is shorter, from the run's
 * beginning forward and back again.
 */
export function framesAround(donor: StoredLandmarks, face: Float64Array, count: number): number[] {
  const { frame } = nearestFrame(donor, face);
  const runs = contiguousRuns(donor.frameNumbers, donor.frames);
  const { start, length } = runs.find((run) => frame < run.start + run.length)!;
  const first = Math.max(0, Math.min(frame - start - Math.floor(count / 2), length - count));
  const period = Math.max(1, 2 * (length - 1));
  return Array.from({ length: count }, (_, i) => {
    const at = (first + i) % period;
    return start + Math.min(at, period - at);
  });
}

/** Carrying points of the frames in turn, smoothed over time as this clip's are: a predictor's noise would shake the face. */
function facesOf({ landmarks, points }: StoredLandmarks, order: readonly number[], sigma: number): Float64Array[] {
  const size = CARRYING_POINTS.length * 2;
  const faces = new Float64Array(order.length * size);
  order.forEach((frame, i) => {
    faces.set(carryingPoints(landmarks, points, frame), i * size);
  });
  if (sigma > 0) smoothOverTime(faces, order.length, 1, sigma);
  return order.map((_, i) => faces.subarray(i * size, (i + 1) * size));
}

/** For each node of a grid over the picture its place in the donor's, `[NODES, NODES, 2]`; null for a face without area. */
function placesOf(face: Float64Array, donor: Float64Array, width: number, height: number): Float64Array | null {
  // About the face's middle and in its size: the system is then as well conditioned for any resolution.
  const middle = meanPoint(face);
  const size = spreadOf(face);
  if (!(size > 0)) return null;
  const relative = (v: number, i: number): number => (v - middle[i % 2]!) / size;
  const nodes = Float64Array.from({ length: NODES * NODES * 2 }, (_, i) => {
    const node = i >> 1;
    const at =
      i % 2 === 0
        ? ((node % NODES) * (width - 1)) / (NODES - 1)
        : (Math.floor(node / NODES) * (height - 1)) / (NODES - 1);
    return relative(at, i);
  });
  return splineThrough(face.map(relative), donor, nodes, RELAXATION);
}

/** The first 68 landmarks of frame `t`, `[68, 2]`. */
function hullPoints({ landmarks, points }: Clip, t: number): Float64Array {
  return landmarks.subarray(t * points * 2, (t * points + 68) * 2);
}
