import { shiftMask } from '../../image/shiftMask.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { brownianPath, DRIFT_PROFILES, drawStep, multiScalePath } from './driftPath.js';

/** Pixel distances of the method are meant at this picture size and grow with the crop. */
export const REFERENCE_SIZE = 224;

export type DriftParams = {
  mode: string;
  /** Probability that the mask drifts at all; fakes without drift keep a model from learning the drift alone. */
  prob: number;
  /** Pixels a frame, [least, most]. */
  step: number[];
  /** Pixels: the farthest from its place. */
  max: number;
};

/**
 * Lets the mask wander over time, so that the blend's outline is not glued to the face. Distances are pixels at 224.
 *
 * `v73`: steps of at most `step`'s larger number per axis, at most `max` along either axis. `multiscale`: the size of
 * the steps is drawn log-uniformly from `step` and their distribution from four profiles, the way from its place is at
 * most `max` long. The walk goes on across the gaps between segments.
 */
export const drift: Stage<DriftParams> = {
  name: 'drift',
  defaults: { mode: 'v73', prob: 1, step: [1, 1], max: 2 },
  apply(clip, { mode, prob, step, max }, { random, workspace, count }) {
    const { width, height, frames, hardMask, support } = clip;
    if (mode !== 'v73' && mode !== 'multiscale')
      throw new RecipeError(`drift: Expected v73 or multiscale for mode but received ${mode}`);
    if (!hardMask || !support) throw new RecipeError('drift has to come after mask');
    let path: Float64Array = new Float64Array(frames * 2);
    if (random.chance(prob)) {
      count('drifted');
      if (mode === 'v73') path = brownianPath(frames, step[1]!, max, random);
      else {
        const size = drawStep(step, random);
        const profile = random.pick(DRIFT_PROFILES);
        count(`drift_${profile}`);
        path = multiScalePath(frames, profile, size, max, random);
      }
    }
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
