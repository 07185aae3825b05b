import { growBox } from '../../image/box.js';
import { affineNearestMap, remapNearest } from '../../image/remapNearest.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/**
 * Moves and scales source and mask together, so that the blended face does not fit its place exactly. The mask is
 * moved here (nearest neighbour), the source when the blend samples it (bilinear, black from outside).
 * Translations are shares of width and height, scales are drawn from [scale_min, 1 / scale_min] about the centre.
 */
export const affine: Stage<{ translate_x: number; translate_y: number; scale_min: number }> = {
  name: 'affine',
  defaults: { translate_x: 0.03, translate_y: 0.015, scale_min: 0.95 },
  apply(clip, { translate_x, translate_y, scale_min }, { random, workspace }) {
    const { width, height, hardMask, support } = clip;
    if (!hardMask || !support) throw new RecipeError('affine has to come after mask and before drift');
    const scaleX = random.between(scale_min, 1 / scale_min);
    const scaleY = random.between(scale_min, 1 / scale_min);
    const moveX = random.between(-translate_x, translate_x) * width;
    const moveY = random.between(-translate_y, translate_y) * height;
    const shiftX = moveX + ((1 - scaleX) * (width - 1)) / 2;
    const shiftY = moveY + ((1 - scaleY) * (height - 1)) / 2;
    clip.sourceMotion = { scaleX, scaleY, shiftX, shiftY };

    const map = workspace.integers('affine map', width * height);
    affineNearestMap(map, width, height, scaleX, scaleY, shiftX, shiftY);
    const moved = workspace.bytes('affine mask', hardMask.length).fill(0);
    clip.support = support.map((box, t) => {
      const reached = growBox(
        {
          x0: Math.floor(box.x0 * scaleX + shiftX),
          y0: Math.floor(box.y0 * scaleY + shiftY),
          x1: Math.ceil(box.x1 * scaleX + shiftX),
          y1: Math.ceil(box.y1 * scaleY + shiftY),
        },
        1,
        width,
        height,
      );
      remapNearest(hardMask, moved, t * width * height, width, reached, map);
      return reached;
    });
    clip.hardMask = moved;
  },
};
