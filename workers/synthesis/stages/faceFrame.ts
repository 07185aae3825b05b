import { convexHull } from '../../image/convexHull.js';
import type { Clip } from '../clip.js';

/** Where the face is in one frame: centre and size of the box around the mask's landmarks, pixels. */
export type FaceFrame = { x: number; y: number; width: number; height: number };

const STILL = { scaleX: 1, scaleY: 1, shiftX: 0, shiftY: 0 };

/** The face's box after the affine stage has moved the mask. */
export function faceFrame(clip: Clip, frame: number): FaceFrame {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let p = 0; p < clip.maskPoints; p++) {
    const i = (frame * clip.points + p) * 2;
    left = Math.min(left, clip.landmarks[i]!);
    right = Math.max(right, clip.landmarks[i]!);
    top = Math.min(top, clip.landmarks[i + 1]!);
    bottom = Math.max(bottom, clip.landmarks[i + 1]!);
  }
  const { scaleX, scaleY, shiftX, shiftY } = clip.sourceMotion ?? STILL;
  return {
    x: (scaleX * (left + right)) / 2 + shiftX,
    y: (scaleY * (top + bottom)) / 2 + shiftY,
    width: Math.max(1, scaleX * (right - left)),
    height: Math.max(1, scaleY * (bottom - top)),
  };
}

/** Hull of the clip's mean face in coordinates relative to the face's box `[m, 2]`. */
export function meanOutline(clip: Clip, faces: readonly FaceFrame[]): Float64Array {
  const { scaleX, scaleY, shiftX, shiftY } = clip.sourceMotion ?? STILL;
  const mean = new Float64Array(clip.maskPoints * 2);
  faces.forEach((face, t) => {
    for (let p = 0; p < clip.maskPoints; p++) {
      const i = (t * clip.points + p) * 2;
      mean[2 * p]! += (scaleX * clip.landmarks[i]! + shiftX - face.x) / face.width / faces.length;
      mean[2 * p + 1]! += (scaleY * clip.landmarks[i + 1]! + shiftY - face.y) / face.height / faces.length;
    }
  });
  return convexHull(mean);
}
