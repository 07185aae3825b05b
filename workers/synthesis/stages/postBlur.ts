import { growBox, wholeBox } from '../../image/box.js';
import { copyAround } from '../../image/copyAround.js';
import { refocus, softFocus } from '../../image/refocus.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { REFERENCE_SIZE } from './drift.js';

export type PostBlurParams = {
  prob: number;
  /** Standard deviation, pixels at 224. */
  sigma: number[];
};

/**
 * Makes both members softer alike, with probability `prob` and by a drawn `sigma`: whole videos differ in sharpness for
 * reasons of their own, and that must not tell fakes. Where the members are still equal the real one's result is copied.
 */
export const postBlur: Stage<PostBlurParams> = {
  name: 'post_blur',
  defaults: { prob: 0.5, sigma: [0.3, 1.2] },
  apply(clip, params, { random, workspace, count }) {
    const applies = random.chance(params.prob);
    const sigma = random.between(params.sigma[0]!, params.sigma[1]!);
    if (!applies) return;
    const { fake, target, frames, width, height, frameBytes, difference } = clip;
    if (!fake) throw new RecipeError('post_blur has to come after blend');
    count('post_blur');
    const focus = softFocus((sigma * width) / REFERENCE_SIZE);
    const whole = wholeBox(width, height);
    const spares = [workspace.bytes('blur 0', frameBytes), workspace.bytes('blur 1', frameBytes)] as const;
    for (let t = 0; t < frames; t++) {
      const offset = t * frameBytes;
      const box = difference ? growBox(difference[t]!, focus.passes, width, height) : whole;
      refocus(target, offset, width, height, whole, focus, spares);
      refocus(fake, offset, width, height, box, focus, spares);
      copyAround(target, fake, offset, width, height, box);
      if (difference) difference[t] = box;
    }
  },
};
