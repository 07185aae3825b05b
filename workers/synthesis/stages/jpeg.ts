import { jpegRoundTrip } from '../../image/jpegRoundTrip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/** Compresses every frame of both members as JPEG of one quality drawn per clip. */
export const jpeg: Stage<{ prob: number; quality: number[] }> = {
  name: 'jpeg',
  defaults: { prob: 0.5, quality: [40, 100] },
  apply(clip, { prob, quality }, { random, count }) {
    const compresses = random.chance(prob);
    const drawn = random.integer(quality[0]!, quality[1]!);
    if (!compresses) return;
    if (!clip.fake) throw new RecipeError('jpeg has to come after blend');
    count('jpeg');
    for (const member of [clip.target, clip.fake])
      for (let t = 0; t < clip.frames; t++)
        jpegRoundTrip(member.subarray(t * clip.frameBytes, (t + 1) * clip.frameBytes), clip.width, clip.height, drawn);
    clip.difference = null; // a changed pixel changes its whole block and the chroma around it
  },
};
