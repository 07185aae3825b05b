import { type Box, growBox, uniteBoxes, wholeBox } from '../../image/box.js';
import { gaussianBlur } from '../../image/gaussianBlur.js';
import { gaussianKernel, sizeOfSigma } from '../../image/gaussianKernel.js';
import { displacementNearestMap, remapNearest } from '../../image/remapNearest.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/** The displacement is computed this many of its standard deviations around the mask; none is ever that large. */
const REACH = 10;

/**
 * Bends the mask's outline (Simard et al. 2003): each pixel is taken from (x + dx, y + dy) with
 * dx, dy = alpha * Gauss_sigma(U(-1, 1)) pixels, one field for all frames, nearest neighbour. Only the mask is bent:
 * the published code computes a bent picture as well and does not use it. With `source` the blend takes the source
 * through the same field, bilinear, so that features of the face do not lie where they belong either.
 */
export const elastic: Stage<{ alpha: number; sigma: number; source: boolean }> = {
  name: 'elastic',
  defaults: { alpha: 50, sigma: 7, source: false },
  apply(clip, { alpha, sigma, source }, { random, workspace }) {
    const { width, height, hardMask, support } = clip;
    if (!hardMask || !support) throw new RecipeError('elastic has to come after mask and before drift');
    // Standard deviation of blurred uniform noise.
    const deviation = (alpha * Math.sqrt(1 / 3)) / (2 * Math.sqrt(Math.PI) * sigma);
    const whole = wholeBox(width, height);
    // The mask moves on after this, and the source has to be bent wherever it then shows.
    const region = source ? whole : growBox(support.reduce(uniteBoxes), Math.ceil(REACH * deviation), width, height);
    const noise = workspace.floats('elastic noise', width * height);
    const kernel = gaussianKernel(sizeOfSigma(sigma), sigma).map((tap) => tap * Math.sqrt(alpha));
    const field = (name: string): Float32Array => {
      for (let i = 0; i < noise.length; i++) noise[i] = 2 * random.uniform(32) - 1;
      const out = workspace.floats(name, width * height);
      gaussianBlur(noise, 0, width, height, whole, kernel, out, 0, region);
      return out;
    };
    const dx = field('elastic dx');
    const dy = field('elastic dy');
    const map = workspace.integers('elastic map', width * height);
    displacementNearestMap(map, width, height, region, dx, dy);

    const bent = workspace.bytes('elastic mask', hardMask.length).fill(0);
    const farthest = Math.ceil(largest(dx, dy, width, region)) + 1;
    if (source) clip.sourceBend = { dx, dy, farthest };
    clip.support = support.map((box, t) => {
      const reached = growBox(box, farthest, width, height);
      remapNearest(hardMask, bent, t * width * height, width, reached, map);
      return reached;
    });
    clip.hardMask = bent;
  },
};

function largest(dx: Float32Array, dy: Float32Array, width: number, box: Box): number {
  let most = 0;
  for (let y = box.y0; y < box.y1; y++)
    for (let i = y * width + box.x0; i < y * width + box.x1; i++)
      most = Math.max(most, Math.abs(dx[i]!), Math.abs(dy[i]!));
  return most;
}
