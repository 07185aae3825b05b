import { type Box, isEmptyBox, uniteBoxes } from '../../image/box.js';
import { convexHull } from '../../image/convexHull.js';
import { fillConvex, fillConvexAntialiased } from '../../image/fillConvex.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { FACE_PARTS, raiseBrows, widenMouth } from './faceParts.js';

export const MASK_TYPES = [
  'hull',
  'dfl_full',
  'components',
  'extended',
  'facehull',
  'inner',
  'lower',
  'mouth',
] as const;
export type MaskType = (typeof MASK_TYPES)[number];

/**
 * Draws the region that is exchanged, in every frame from that frame's landmarks, as in self-blended images (Shiohara
 * & Yamasaki 2022) and Face X-ray (Li et al. 2020). `hull`: convex hull of all points; `dfl_full`, `components`,
 * `extended`: unions of hulls of parts of the face, `extended` with the brows raised; `facehull`: the hull of all
 * points, antialiased. `inner`, `lower`, `mouth`: what reenactment and lip-sync exchange, the lips widened by
 * `mouth_growth`. One of `types` is drawn per clip. With probability `landmarks68_prob` the forehead is left out.
 */
export const mask: Stage<{ types: string[]; landmarks68_prob: number; mouth_growth: number[] }> = {
  name: 'mask',
  defaults: { types: ['hull'], landmarks68_prob: 0.25, mouth_growth: [1.2, 1.9] },
  apply(clip, { types, landmarks68_prob, mouth_growth }, { random, workspace, fail, count }) {
    for (const type of types)
      if (!(MASK_TYPES as readonly string[]).includes(type))
        throw new RecipeError(`mask: Expected one of ${MASK_TYPES.join(', ')} for types but received ${type}`);
    const points = random.chance(landmarks68_prob) ? 68 : clip.points;
    const type = random.pick(types) as MaskType;
    const mouthGrowth = random.between(mouth_growth[0]!, mouth_growth[1]!);
    count(`mask_${type}`);
    const { width, height, frames } = clip;
    const bytes = workspace.bytes('hard mask', frames * width * height).fill(0);
    clip.maskPoints = points;
    clip.hardMask = bytes;
    clip.softMask = null;
    clip.support = [];
    for (let t = 0; t < frames; t++) {
      const first = t * clip.points * 2;
      const frame = clip.landmarks.subarray(first, first + points * 2);
      const box = drawMask(bytes, t * width * height, width, height, frame, type, mouthGrowth);
      if (isEmptyBox(box)) return fail(`frame ${t}: the face's outline covers no pixel of the picture`);
      clip.support.push(box);
    }
  },
};

/**
 * Draws one frame's mask into zeroed memory and returns its bounding box.
 *
 * @param landmarks `[68 or 81, 2]`
 * @param mouthGrowth how far `mouth` reaches, in sizes of the lips
 */
export function drawMask(
  bytes: Uint8Array,
  offset: number,
  width: number,
  height: number,
  landmarks: Float64Array,
  type: MaskType,
  mouthGrowth = 1,
): Box {
  if (type === 'hull') return fillConvex(bytes, offset, width, height, convexHull(landmarks));
  if (type === 'facehull') return fillConvexAntialiased(bytes, offset, width, height, convexHull(landmarks));
  let points = landmarks;
  if (type === 'extended') points = raiseBrows(landmarks);
  else if (type === 'mouth') points = widenMouth(landmarks, mouthGrowth);
  return FACE_PARTS[type].reduce<Box>(
    (box, part) => {
      const corners = new Float64Array(part.length * 2);
      part.forEach((point, i) => {
        corners.set(points.subarray(2 * point, 2 * point + 2), 2 * i);
      });
      return uniteBoxes(box, fillConvex(bytes, offset, width, height, convexHull(corners)));
    },
    { x0: 0, y0: 0, x1: 0, y1: 0 },
  );
}
