import { similarityBetween } from '../../faces/similarity.js';
import type { StoredLandmarks } from '../../npz/readLandmarks.js';
import { span } from './faceParts.js';

/**
 * Landmarks (iBUG 68) that carry one face to another: jaw, brows, nose, the eyes' corners and the lips' outer ones. Lids
 * and inner lips are left out, since they coincide where an eye or a mouth is closed.
 */
export const CARRYING_POINTS: readonly number[] = [...span(0, 35), 36, 39, 42, 45, 48, 51, 54, 57];

/** The carrying points of one frame, `[n, 2]`. */
export function carryingPoints(landmarks: Float64Array, points: number, frame: number): Float64Array {
  const out = new Float64Array(CARRYING_POINTS.length * 2);
  CARRYING_POINTS.forEach((point, i) => {
    const at = (frame * points + point) * 2;
    out[2 * i] = landmarks[at]!;
    out[2 * i + 1] = landmarks[at + 1]!;
  });
  return out;
}

/** Mean (x, y) of points `[n, 2]`. */
export function meanPoint(face: Float64Array): [x: number, y: number] {
  let [x, y] = [0, 0];
  for (let i = 0; i < face.length; i += 2) {
    x += face[i]!;
    y += face[i + 1]!;
  }
  return [(2 * x) / face.length, (2 * y) / face.length];
}

/** Root mean square distance of points `[n, 2]` from their mean: how large a face is, in pixels. */
export function spreadOf(face: Float64Array): number {
  const [x, y] = meanPoint(face);
  let sum = 0;
  for (let i = 0; i < face.length; i += 2) sum += (face[i]! - x) ** 2 + (face[i + 1]! - y) ** 2;
  return Math.sqrt((2 * sum) / face.length);
}

/**
 * How far a face is from having another's pose and shape: root mean square of what the best similarity leaves between
 * their points, in units of the other's spread; from 0 for faces alike to 1. Not a number where one has no area.
 */
export function poseDistance(face: Float64Array, other: Float64Array): number {
  const { a, b, tx, ty } = similarityBetween(face, other);
  let left = 0;
  for (let i = 0; i < face.length; i += 2) {
    left += (a * face[i]! - b * face[i + 1]! + tx - other[i]!) ** 2;
    left += (b * face[i]! + a * face[i + 1]! + ty - other[i + 1]!) ** 2;
  }
  return Math.sqrt((2 * left) / face.length) / spreadOf(other);
}

/** The frame whose pose is nearest to a face's, the first of equals; infinitely far where no frame has a face with an area. */
export function nearestFrame(
  { landmarks, points, frames }: StoredLandmarks,
  face: Float64Array,
): { frame: number; distance: number } {
  let nearest = { frame: 0, distance: Number.POSITIVE_INFINITY };
  for (let frame = 0; frame < frames; frame++) {
    const distance = poseDistance(carryingPoints(landmarks, points, frame), face);
    if (distance < nearest.distance) nearest = { frame, distance };
  }
  return nearest;
}
