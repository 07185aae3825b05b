import { affineTaps } from '../../image/axisTaps.js';
import { wholeBox } from '../../image/box.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/**
 * Resamples the target as the blend will resample the source, `passes` times bilinear: a source that alone is sampled
 * between its pixels is softer than its target, in four of five fakes, and softness, which some people's skin has by
 * itself, is then what a network learns to call fake. Each pass zooms by a factor of its own from [1, 1 + `zoom`] about a
 * point of the picture, so that every distance from a pixel occurs; the source stays, and lies apart by as much.
 */
export const resampleTarget: Stage<{ passes: number; zoom: number }> = {
  name: 'resample_target',
  defaults: { passes: 1, zoom: 0.03 },
  apply(clip, { passes, zoom }, { random, workspace }) {
    if (clip.source || clip.support) throw new RecipeError('resample_target has to come before mask and colour');
    const { width, height, frames, frameBytes } = clip;
    clip.source = clip.target; // each pass writes memory of its own
    const whole = wholeBox(width, height);
    for (let pass = 0; pass < passes; pass++) {
      const from = clip.target;
      const to = workspace.bytes(`resampled target ${pass % 2}`, frames * frameBytes);
      const scale = random.between(1, 1 + zoom);
      // The point that stays lies so that no pixel comes from outside.
      const shiftX = (1 - scale) * (width - 1) * random.uniform();
      const shiftY = (1 - scale) * (height - 1) * random.uniform();
      const columns = affineTaps(width, scale, shiftX);
      const rows = affineTaps(height, scale, shiftY);
      for (let t = 0; t < frames; t++)
        resampleRgb(from, t * frameBytes, width, to, t * frameBytes, width, columns, rows, whole);
      for (let i = 0; i < clip.landmarks.length; i += 2) {
        clip.landmarks[i] = clip.landmarks[i]! * scale + shiftX;
        clip.landmarks[i + 1] = clip.landmarks[i + 1]! * scale + shiftY;
      }
      clip.target = to;
    }
  },
};
