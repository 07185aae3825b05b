import { resizeTaps } from '../../image/axisTaps.js';
import { type Box, growBox, isEmptyBox } from '../../image/box.js';
import { gaussianBlur } from '../../image/gaussianBlur.js';
import { gaussianKernel, sigmaOfSize } from '../../image/gaussianKernel.js';
import { resampleMask } from '../../image/resampleMask.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import type { Workspace } from '../workspace.js';

/** One drawing of the softening's numbers, used for all frames. */
type Softening = { width: number; height: number; erosion: Float32Array; feather: Float32Array; threshold: number };

/**
 * Shrinks the mask and gives it a soft edge (self-blended images' dynamic blend mask): resized to a drawn size, blurred
 * and cut back to what the blur left at full value, which erodes the outline by the kernel's radius; blurred again with
 * a wide Gaussian; scaled to a maximum of 1; resized back. If nothing is left of any frame's mask the numbers are drawn
 * again, at most `redraws` times.
 *
 * `size`: pixels, [least, most] for either axis; `kernel`: odd sizes; `sigma`: of the second blur, whole numbers.
 */
export const soften: Stage<{
  size: number[];
  kernel: number[];
  sigma: number[];
  threshold: number;
  redraws: number;
}> = {
  name: 'soften',
  defaults: { size: [192, 256], kernel: [5, 25], sigma: [5, 45], threshold: 1e-4, redraws: 10 },
  apply(clip, params, { random, workspace, count, fail }) {
    if (!clip.support) throw new RecipeError('soften has to come after mask');
    const mask = clip.softMask ?? toFloats(clip, workspace);
    for (let attempt = 0; attempt < params.redraws; attempt++) {
      if (attempt > 0) count('mask_redraws');
      const draw = ([least, most]: number[]): number => random.integer(least!, most!);
      const drawOdd = ([least, most]: number[]): number => 2 * random.integer((least! - 1) / 2, (most! - 1) / 2) + 1;
      const [width, height] = [draw(params.size), draw(params.size)];
      const erosionSize = drawOdd(params.kernel);
      const featherSize = drawOdd(params.kernel);
      const softening = {
        width,
        height,
        erosion: gaussianKernel(erosionSize, sigmaOfSize(erosionSize)),
        feather: gaussianKernel(featherSize, draw(params.sigma)),
        threshold: params.threshold,
      };
      const softened = workspace.floats('softened mask', mask.length).fill(0);
      const support = softenFrames(clip, mask, softened, softening, workspace);
      if (!support) continue;
      clip.softMask = softened;
      clip.support = support;
      return;
    }
    fail(`nothing was left of the mask after softening, in ${params.redraws} drawings of its size and kernels`);
  },
};

function toFloats(clip: Clip, workspace: Workspace): Float32Array {
  const bytes = clip.hardMask!;
  const floats = workspace.floats('drifted mask', bytes.length);
  for (let i = 0; i < bytes.length; i++) floats[i] = bytes[i]! / 255;
  return floats;
}

/** Softens all frames; null as soon as one is left empty. */
function softenFrames(
  clip: Clip,
  mask: Float32Array,
  softened: Float32Array,
  { width, height, erosion, feather, threshold }: Softening,
  workspace: Workspace,
): Box[] | null {
  const toDrawn = { columns: resizeTaps(clip.width, width), rows: resizeTaps(clip.height, height) };
  const back = { columns: resizeTaps(width, clip.width), rows: resizeTaps(height, clip.height) };
  const resized = workspace.floats('soften resized', width * height);
  const blurred = workspace.floats('soften blurred', width * height);
  const support: Box[] = [];
  for (let t = 0; t < clip.frames; t++) {
    const offset = t * clip.width * clip.height;
    resized.fill(0);
    const { columns, rows } = toDrawn;
    const large = resampleMask(mask, offset, clip.width, clip.support![t]!, resized, 0, width, columns, rows);
    if (isEmptyBox(large)) return null;
    gaussianBlur(resized, 0, width, height, large, erosion, blurred, 0, large);
    const core = keepFull(blurred, width, large, threshold);
    if (isEmptyBox(core)) return null;
    const feathered = growBox(core, (feather.length - 1) / 2, width, height);
    resized.fill(0);
    gaussianBlur(blurred, 0, width, height, core, feather, resized, 0, feathered);
    const factor = 1 / largest(resized, width, feathered);
    support.push(
      resampleMask(resized, 0, width, feathered, softened, offset, clip.width, back.columns, back.rows, factor),
    );
  }
  return support;
}

/** Inside `box`, 1 where the value is within `threshold` of the largest and 0 elsewhere; returns where the ones lie. */
function keepFull(values: Float32Array, width: number, box: Box, threshold: number): Box {
  const least = largest(values, width, box) * (1 - threshold);
  const kept = { x0: box.x1, y0: box.y1, x1: box.x0, y1: box.y0 };
  if (!(least > 0)) return { x0: 0, y0: 0, x1: 0, y1: 0 };
  for (let y = box.y0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++) {
      const i = y * width + x;
      if (values[i]! < least) {
        values[i] = 0;
        continue;
      }
      values[i] = 1;
      if (x < kept.x0) kept.x0 = x;
      if (x >= kept.x1) kept.x1 = x + 1;
      if (y < kept.y0) kept.y0 = y;
      kept.y1 = y + 1;
    }
  }
  return kept;
}

function largest(values: Float32Array, width: number, box: Box): number {
  let most = 0;
  for (let y = box.y0; y < box.y1; y++)
    for (let i = y * width + box.x0; i < y * width + box.x1; i++) if (values[i]! > most) most = values[i]!;
  return most;
}
