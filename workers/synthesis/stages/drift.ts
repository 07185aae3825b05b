import { shiftMask } from '../../image/shiftMask.js';
import type { Random } from '../../random/keyedGenerator.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/** Pixel distances of the method are meant at this picture size and grow with the crop. */
const REFERENCE_SIZE = 224;

/**
 * Lets the mask wander over time, so that the blend's outline is not glued to the face: a random walk per axis with
 * uniform steps of at most `max_step` pixels, never farther than `max_cumulative` from its place (pixels at 224).
 * The walk goes on across the gaps between segments.
 */
export const drift: Stage<{ prob: number; max_step: number; max_cumulative: number }> = {
  name: 'drift',
  defaults: { prob: 1, max_step: 1, max_cumulative: 2 },
  apply(clip, { prob, max_step, max_cumulative }, { random, workspace, count }) {
    const { width, height, frames, hardMask, support } = clip;
    if (!hardMask || !support) throw new RecipeError('drift has to come after mask');
    const drifts = random.chance(prob);
    if (drifts) count('drifted');
    const path = driftPath(frames, drifts ? max_step : 0, max_cumulative, random);
    const moved = workspace.floats('drifted mask', hardMask.length).fill(0);
    clip.support = support.map((box, t) =>
      shiftMask(
        hardMask,
        moved,
        t * width * height,
        width,
        height,
        box,
        (path[2 * t]! * width) / REFERENCE_SIZE,
        (path[2 * t + 1]! * height) / REFERENCE_SIZE,
      ),
    );
    clip.softMask = moved;
  },
};

/** Displacement (x, y) per frame `[T, 2]`; the first frame stays in place. */
export function driftPath(frames: number, maxStep: number, maxCumulative: number, random: Random): Float64Array {
  const path = new Float64Array(frames * 2);
  const clamp = (v: number): number => Math.min(maxCumulative, Math.max(-maxCumulative, v));
  for (let i = 2; i < path.length; i++) path[i] = clamp(path[i - 2]! + random.between(-maxStep, maxStep));
  return path;
}
