import { resizeTaps } from '../../image/axisTaps.js';
import { wholeBox } from '../../image/box.js';
import { refocus, softFocus } from '../../image/refocus.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/** Faces are not made smaller than a picture of so many pixels a side, which is less than any detector would take. */
const LEAST_SIDE = 72;

export type RescaleParams = {
  prob: number;
  /** Sides of the smaller picture, shares of the crop's, [least, most]. */
  factor: number[];
};

/**
 * Gives both members the smaller picture of a video of less resolution, with probability `prob`. What follows, JPEG and
 * H.264 above all, works on the smaller picture; the final crop enlarges it. A Gaussian with the variance of a triangle
 * as wide as the smaller pixels, less that of the bilinear sampling, comes before: it keeps stairs out of the picture.
 */
export const rescale: Stage<RescaleParams> = {
  name: 'rescale',
  defaults: { prob: 0.5, factor: [0.4, 1] },
  apply(clip, params, { random, workspace, count }) {
    const applies = random.chance(params.prob);
    const drawn = random.between(params.factor[0]!, params.factor[1]!);
    if (!applies) return;
    const { fake, target, frames, width, height, frameBytes } = clip;
    if (!fake) throw new RecipeError('rescale has to come after blend');
    const factor = Math.max(drawn, Math.min(1, LEAST_SIDE / Math.min(width, height)));
    if (factor >= 1) return;
    count('rescale');
    const [toWidth, toHeight] = [Math.round(width * factor), Math.round(height * factor)];
    const columns = resizeTaps(width, toWidth);
    const rows = resizeTaps(height, toHeight);
    const smallBytes = toWidth * toHeight * 3;
    const focus = softFocus(Math.sqrt((1 / factor ** 2 - 1) / 6));
    const spares = [workspace.bytes('blur 0', frameBytes), workspace.bytes('blur 1', frameBytes)] as const;
    const smaller = (member: Uint8Array, name: string): Uint8Array => {
      const small = workspace.bytes(name, frames * smallBytes);
      for (let t = 0; t < frames; t++) {
        refocus(member, t * frameBytes, width, height, wholeBox(width, height), focus, spares);
        const whole = wholeBox(toWidth, toHeight);
        resampleRgb(member, t * frameBytes, width, small, t * smallBytes, toWidth, columns, rows, whole);
      }
      return small;
    };
    clip.resize(toWidth, toHeight, smaller(target, 'smaller target'), smaller(fake, 'smaller fake'));
  },
};
