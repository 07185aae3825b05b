import { jpegRoundTrip } from '../../image/jpegRoundTrip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { drawCompression } from './compressionDraw.js';
import { h264 } from './h264.js';

/** Compresses every frame of both members as JPEG of one quality drawn per clip; not where h264 will compress them. */
export const jpeg: Stage<{ prob: number; quality: number[] }> = {
  name: 'jpeg',
  defaults: { prob: 0.5, quality: [40, 100] },
  apply(clip, { prob, quality }, { random, count, peek }) {
    const compresses = random.chance(prob);
    const drawn = random.integer(quality[0]!, quality[1]!);
    if (!compresses) return;
    const video = peek(h264);
    if (video && drawCompression(video.params, video.random) !== null) return;
    if (!clip.fake) throw new RecipeError('jpeg has to come after blend');
    count('jpeg');
    for (const member of [clip.target, clip.fake])
      for (let t = 0; t < clip.frames; t++)
        jpegRoundTrip(member.subarray(t * clip.frameBytes, (t + 1) * clip.frameBytes), clip.width, clip.height, drawn);
    clip.difference = null; // a changed pixel changes its whole block and the chroma around it
  },
};
