import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/** Values are picked from so many normal ones: drawing each anew would cost more than all other stages together. */
const DRAWN = 4096;

export type PostNoiseParams = {
  prob: number;
  /** Standard deviation, 8-bit levels. */
  sigma: number[];
};

/**
 * Adds the same noise to both members, with probability `prob` and of a drawn `sigma`, other noise in each frame: the
 * grain of a sensor, which is no trace of a fake.
 */
export const postNoise: Stage<PostNoiseParams> = {
  name: 'post_noise',
  defaults: { prob: 0.5, sigma: [1, 6] },
  apply(clip, params, { random, count }) {
    const applies = random.chance(params.prob);
    const sigma = random.between(params.sigma[0]!, params.sigma[1]!);
    if (!applies) return;
    const { fake, target } = clip;
    if (!fake) throw new RecipeError('post_noise has to come after blend');
    count('post_noise');
    const values = Float64Array.from({ length: DRAWN }, () => random.normal(0, sigma));
    for (let i = 0; i < target.length; i++) {
      const noise = values[Math.floor(random.uniform(32) * DRAWN)]!;
      target[i] = toLevel(target[i]! + noise);
      fake[i] = toLevel(fake[i]! + noise);
    }
  },
};

const toLevel = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
