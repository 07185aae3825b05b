import { resizeTaps } from '../../image/axisTaps.js';
import { type Box, growBox, wholeBox } from '../../image/box.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import type { Random } from '../../random/keyedGenerator.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { faceSquare } from './faceSquare.js';
import { medianFaceBox } from './marginCrop.js';

export const FRAMINGS = ['detector', 'square'] as const;

/** How a clip is cut to the face. */
export type Framing = {
  framing: string;
  /** With `detector`, each side's margin is box size * `fraction` * U(`margin`). */
  margin: number[];
  fraction: number;
  forehead: number;
  /** With `square`, its side, a multiple drawn from this range of the longer side of the face's box. */
  square_side: number[];
  /** How far the square's centre may lie from the face's, in sides of the square, along either axis. */
  square_shift: number;
};

/**
 * Cuts both members to the face and resizes them to `size` x `size`, as a detector would frame it (`framing` 'detector':
 * every face fills the picture, whatever its proportions) or to a square about the face, which keeps proportions. The
 * detector's box is taken to be the box around all landmarks; where the forehead has none, its top is raised by
 * `forehead` of the box's height (from brow to chin are two thirds of a face).
 */
export const finalCrop: Stage<Framing & { size: number }> = {
  name: 'final_crop',
  defaults: {
    size: 224,
    framing: 'detector',
    margin: [0.2, 0.8],
    fraction: 0.25,
    forehead: 0.5,
    square_side: [1.15, 1.55],
    square_shift: 0.04,
  },
  apply(clip, { size, ...framing }, { random, workspace, fail }) {
    const { fake, target, frames, frameBytes, width, difference } = clip;
    if (!fake) throw new RecipeError('final_crop has to come after blend');
    const box = framedBox(clip, size, framing, random, fail);
    const columns = resizeTaps(box.x1 - box.x0, size, box.x0);
    const rows = resizeTaps(box.y1 - box.y0, size, box.y0);
    const outBytes = size * size * 3;
    const bytes = workspace.bytes('cut', 2 * frames * outBytes);
    const whole = wholeBox(size, size);
    for (let t = 0; t < frames; t++) {
      const real = t * outBytes;
      const fakeAt = (frames + t) * outBytes;
      resampleRgb(target, t * frameBytes, width, bytes, real, size, columns, rows, whole);
      let changed = whole;
      if (difference) {
        bytes.copyWithin(fakeAt, real, real + outBytes);
        changed = resizedBox(difference[t]!, box, size, clip);
      }
      resampleRgb(fake, t * frameBytes, width, bytes, fakeAt, size, columns, rows, changed);
    }
    clip.pair = { bytes: bytes.slice(), height: size, width: size }; // memory of its own, that may leave the thread
  },
};

/** The part of the clip's picture that is shown, its numbers drawn; the only one there is where ranges are single numbers. */
export function framedBox(
  clip: Clip,
  size: number,
  { framing, margin, fraction, forehead, square_side, square_shift }: Framing,
  random: Random,
  fail: (reason: string) => never,
): Box {
  if (framing === 'square') {
    const side = random.between(square_side[0]!, square_side[1]!);
    const [shiftX, shiftY] = [random.between(-square_shift, square_shift), random.between(-square_shift, square_shift)];
    return faceSquare(clip, { side, shiftX, shiftY }, fail);
  }
  if (framing !== 'detector')
    throw new RecipeError(`final_crop: Expected one of ${FRAMINGS.join(', ')} for framing but received ${framing}`);
  const side = (length: number): number => length * fraction * random.between(margin[0]!, margin[1]!);
  return detectorBox(clip, size, { side, forehead }, fail);
}

/**
 * The part of the clip's picture that a face detector would show: the box around all landmarks and, on each side,
 * `side` of its width or height; clipped to the picture.
 */
function detectorBox(
  clip: Clip,
  size: number,
  { side, forehead }: { side: (length: number) => number; forehead: number },
  fail: (reason: string) => never,
): Box {
  const face = medianFaceBox(clip, clip.points);
  if (clip.points === 68) face.top -= forehead * (face.bottom - face.top);
  const faceWidth = face.right - face.left;
  const faceHeight = face.bottom - face.top;
  const box = {
    x0: Math.max(0, Math.trunc(face.left - side(faceWidth))),
    y0: Math.max(0, Math.trunc(face.top - side(faceHeight))),
    x1: Math.min(clip.width, Math.trunc(face.right + side(faceWidth))),
    y1: Math.min(clip.height, Math.trunc(face.bottom + side(faceHeight))),
  };
  if (box.x1 - box.x0 < 2 || box.y1 - box.y0 < 2)
    return fail(`the face lies outside the picture: nothing is left to resize to ${size}x${size}`);
  return box;
}

/** The output pixels that sample any pixel of `changed`. */
function resizedBox(changed: Box, crop: Box, size: number, clip: Clip): Box {
  const near = growBox(changed, 1, clip.width, clip.height);
  const scaleX = size / (crop.x1 - crop.x0);
  const scaleY = size / (crop.y1 - crop.y0);
  return growBox(
    {
      x0: Math.floor((near.x0 - crop.x0) * scaleX),
      y0: Math.floor((near.y0 - crop.y0) * scaleY),
      x1: Math.ceil((near.x1 - crop.x0) * scaleX),
      y1: Math.ceil((near.y1 - crop.y0) * scaleY),
    },
    1,
    size,
    size,
  );
}
