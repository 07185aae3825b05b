import type { Box } from '../../image/box.js';
import type { Clip } from '../clip.js';
import { medianFaceBox } from './marginCrop.js';

/**
 * A square about the face: `side` times the longer side of the box around the first 68 landmarks (median over the
 * frames), its centre moved by shares of the square's side. Pushed into the picture where it reaches beyond, and no
 * larger than the picture.
 */
export function faceSquare(
  clip: Clip,
  { side, shiftX, shiftY }: { side: number; shiftX: number; shiftY: number },
  fail: (reason: string) => never,
): Box {
  const { left, top, right, bottom } = medianFaceBox(clip, 68);
  const length = Math.min(Math.round(side * Math.max(right - left, bottom - top)), clip.width, clip.height);
  if (!(length >= 2)) return fail('the face has no size: no square can be cut around it');
  const from = (centre: number, limit: number): number =>
    Math.min(Math.max(0, Math.round(centre - length / 2)), limit - length);
  const x0 = from((left + right) / 2 + shiftX * length, clip.width);
  const y0 = from((top + bottom) / 2 + shiftY * length, clip.height);
  return { x0, y0, x1: x0 + length, y1: y0 + length };
}
