import { resizeTaps } from '../../image/axisTaps.js';
import { blurBinary } from '../../image/blurBinary.js';
import { type Box, growBox, isEmptyBox } from '../../image/box.js';
import { gaussianBlur } from '../../image/gaussianBlur.js';
import { gaussianKernel, sigmaOfSize } from '../../image/gaussianKernel.js';
import { keepFull } from '../../image/keepFull.js';
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
 * `size`: pixels, [least, most] for either axis; `kernel`: odd sizes; `sigma`: of the second blur, whole numbers;
 * `threshold`: what is within it of 1 is kept; at 0.5 a straight outline stays where it is.
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
  const core = workspace.bytes('soften core', width * height);
  const support: Box[] = [];
  for (let t = 0; t < clip.frames; t++) {
    const offset = t * clip.width * clip.height;
    resized.fill(0);
    const { columns, rows } = toDrawn;
    const large = resampleMask(mask, offset, clip.width, clip.support![t]!, resized, 0, width, columns, rows);
    if (isEmptyBox(large)) return null;
    gaussianBlur(resized, 0, width, height, large, erosion, blurred, 0, large);
    const full = keepFull(blurred, width, large, threshold, core);
    if (isEmptyBox(full)) return null;
    const feathered = growBox(full, (feather.length - 1) / 2, width, height);
    resized.fill(0);
    const factor = 1 / blurBinary(core, width, height, full, feather, resized, feathered);
    support.push(
      resampleMask(resized, 0, width, feathered, softened, offset, clip.width, back.columns, back.rows, factor),
    );
  }
  return support;
}
