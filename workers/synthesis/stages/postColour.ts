import { wholeBox } from '../../image/box.js';
import { copyAround } from '../../image/copyAround.js';
import { recolour } from '../../image/recolour.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { type ColourRanges, drawColourTables } from './drawColourTables.js';

/**
 * Recolours both members alike: augmentation that carries no label (the training transform of self-blended images).
 * Where the members are still equal the real one's result is copied.
 */
export const postColour: Stage<ColourRanges> = {
  name: 'post_colour',
  defaults: {
    rgb_shift: [0, 20],
    rgb_shift_prob: 0.3,
    hsv_mode: 'exact',
    hsv_shift: 0.3,
    hsv_prob: 0.3,
    brightness: 0.3,
    contrast: 0.3,
    brightness_contrast_prob: 0.3,
  },
  apply(clip, params, { random, count }) {
    const tables = drawColourTables(params, random);
    if (!tables) return;
    const { fake, target, frames, width, height, frameBytes, difference } = clip;
    if (!fake) throw new RecipeError('post_colour has to come after blend');
    count('post_colour');
    const whole = wholeBox(width, height);
    for (let t = 0; t < frames; t++) {
      const offset = t * frameBytes;
      const box = difference ? difference[t]! : whole;
      recolour(fake, offset, fake, offset, width, box, tables);
      recolour(target, offset, target, offset, width, whole, tables);
      copyAround(target, fake, offset, width, height, box);
    }
  },
};
