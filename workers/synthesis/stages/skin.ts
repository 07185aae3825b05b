import { guidedFilter } from '../../image/guidedFilter.js';
import type { Stage } from '../stage.js';
import { REFERENCE_SIZE } from './drift.js';

export type SkinParams = {
  prob: number;
  /** So much of what the filter takes away is left out, [least, most]: 1 all of it; below 0 it is added once more. */
  amount: number[];
  /** Of the filter's window, pixels at 224. */
  radius: number[];
  /** Texture of less contrast is filtered, 8-bit levels. */
  contrast: number[];
};

/**
 * Gives the person of both members smoother or rougher skin before anything is blended, with probability `prob`, edges
 * kept: light, make-up and cameras' filters do so to real people, and a blend softens a face, too. A detector that
 * takes smooth skin for a blend calls some people fake whatever they do.
 */
export const skin: Stage<SkinParams> = {
  name: 'skin',
  defaults: { prob: 0.5, amount: [-0.8, 1], radius: [2, 5], contrast: [5, 20] },
  apply(clip, params, { random, count }) {
    const applies = random.chance(params.prob);
    const [amount, radius, contrast] = [params.amount, params.radius, params.contrast].map(([least, most]) =>
      random.between(least!, most!),
    ) as [number, number, number];
    if (!applies) return;
    count('skin');
    const { target, frames, width, height, frameBytes } = clip;
    const pixels = Math.max(1, Math.round((radius * width) / REFERENCE_SIZE));
    for (let t = 0; t < frames; t++) guidedFilter(target, t * frameBytes, width, height, pixels, contrast, amount);
  },
};
