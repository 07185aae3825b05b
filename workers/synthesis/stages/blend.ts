import { alphaBlend } from '../../image/alphaBlend.js';
import { affineTaps } from '../../image/axisTaps.js';
import { bendRgb } from '../../image/bendRgb.js';
import { type Box, growBox, wholeBox } from '../../image/box.js';
import { laplacianBlend, laplacianReach } from '../../image/laplacianBlend.js';
import { poissonBlend } from '../../image/poissonBlend.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import type { Random } from '../../random/keyedGenerator.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

export const BLEND_METHODS = ['alpha', 'poisson', 'laplacian'] as const;
export type BlendMethod = (typeof BLEND_METHODS)[number];

export type BlendParams = {
  /** Opacity of the source, one drawn per clip. */
  ratios: number[];
  /** How often each method is drawn, in any unit. */
  weights: Record<string, number>;
  /** Pictures in the pyramids of the Laplacian blend. */
  levels: number;
  /** Most sweeps of the Poisson solver. */
  sweeps: number;
};

/** What is drawn once per clip. */
export type BlendDraw = { ratio: number; method: BlendMethod };

/**
 * Puts the source into the target, the same way in all frames: `alpha` mixes by the mask and truncates to 8 bits as the
 * published self-blending does, `laplacian` mixes each band of frequencies over a width of its own, `poisson` keeps the
 * source's gradients and the target's colours.
 */
export const blend: Stage<BlendParams> = {
  name: 'blend',
  defaults: {
    ratios: [0.25, 0.5, 0.75, 1, 1, 1],
    weights: { alpha: 1, poisson: 0, laplacian: 0 },
    levels: 5,
    sweeps: 60,
  },
  apply(clip, params, { random, workspace, trace, count }) {
    const { ratio, method } = drawBlend(params, random);
    count(`blend_${method}`);
    const { width, height, frames, frameBytes, target, support, sourceMotion, sourceBend } = clip;
    if (!support) throw new RecipeError('blend has to come after mask');
    const source = clip.source ?? target;
    const motion = sourceMotion && {
      columns: affineTaps(width, sourceMotion.scaleX, sourceMotion.shiftX),
      rows: affineTaps(height, sourceMotion.scaleY, sourceMotion.shiftY),
    };
    const moved = workspace.bytes('moved source frame', frameBytes);
    const bent = sourceBend ? workspace.bytes('bent source frame', frameBytes) : moved;
    const fake = workspace.bytes('fake', frames * frameBytes);
    fake.set(target);
    const reach = blendReach(params, method);
    clip.difference = support.map((box, t) => {
      const sampled = trace ? wholeBox(width, height) : growBox(box, reach, width, height);
      const offset = t * frameBytes;
      const read = growBox(sampled, sourceBend?.farthest ?? 0, width, height);
      if (motion) resampleRgb(source, offset, width, moved, 0, width, motion.columns, motion.rows, read);
      else moved.set(source.subarray(offset, offset + frameBytes));
      if (sourceBend) bendRgb(moved, bent, width, height, sampled, sourceBend);
      const changed = blendFrame(clip, t, box, { ratio, method }, params, bent, fake);
      trace?.frame({
        index: t,
        width,
        height,
        target: target.slice(offset, offset + frameBytes),
        source: bent.slice(),
        mask: maskPicture(clip, t, ratio),
        blend: fake.slice(offset, offset + frameBytes),
      });
      return changed;
    });
    clip.fake = fake;
  },
};

/** Opacity and method of one clip; the opacity comes first, so that it does not depend on the weights. */
export function drawBlend({ ratios, weights }: BlendParams, random: Random): BlendDraw {
  const unknown = Object.keys(weights).find((name) => !(BLEND_METHODS as readonly string[]).includes(name));
  const shares = BLEND_METHODS.map((name) => weights[name] ?? 0);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (unknown !== undefined || !shares.every((share) => share >= 0) || !(total > 0) || !Number.isFinite(total))
    throw new RecipeError(
      `blend: Expected weights of at least 0 for ${BLEND_METHODS.join(', ')}, one above 0, but received ${JSON.stringify(weights)}`,
    );
  const ratio = random.pick(ratios);
  let left = random.uniform() * total;
  const method = BLEND_METHODS.find((_, i) => {
    left -= shares[i]!;
    return left < 0;
  });
  return { ratio, method: method ?? BLEND_METHODS[shares.findLastIndex((share) => share > 0)]! };
}

/** How far around the mask the method looks at the source, pixels. */
export function blendReach({ levels }: BlendParams, method: BlendMethod): number {
  return { alpha: 0, poisson: 1, laplacian: laplacianReach(levels) }[method];
}

/** Changes frame `t` of `fake`, which holds the target; returns the part that can differ from it now. */
function blendFrame(
  clip: Clip,
  t: number,
  box: Box,
  { ratio, method }: BlendDraw,
  { levels, sweeps }: BlendParams,
  source: Uint8Array,
  fake: Uint8Array,
): Box {
  const { width, height, frameBytes, softMask, hardMask } = clip;
  const mask = softMask ?? hardMask!;
  const full = softMask ? 1 : 255;
  const at = t * frameBytes;
  const maskAt = t * width * height;
  if (method === 'laplacian')
    return laplacianBlend(fake, at, source, mask, maskAt, ratio / full, width, height, box, levels);
  if (method === 'poisson') poissonBlend(fake, at, source, mask, maskAt, 1 / full, ratio, width, height, box, sweeps);
  else alphaBlend(fake, at, source, mask, maskAt, ratio / full, width, box);
  return box;
}

function maskPicture(clip: Clip, t: number, ratio: number): Uint8Array {
  const size = clip.width * clip.height;
  const { softMask, hardMask } = clip;
  return Uint8Array.from({ length: size }, (_, i) =>
    Math.round(ratio * (softMask ? softMask[t * size + i]! * 255 : hardMask![t * size + i]!)),
  );
}
