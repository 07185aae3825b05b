import { type AxisTaps, downscaleTaps } from '../../image/axisTaps.js';
import { type Box, growBox, wholeBox } from '../../image/box.js';
import { recolour } from '../../image/recolour.js';
import { type Focus, refocus, sharpFocus, softFocus } from '../../image/refocus.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import { sharpen } from '../../image/sharpen.js';
import type { Random } from '../../random/keyedGenerator.js';
import type { Clip } from '../clip.js';
import type { Stage } from '../stage.js';
import { blend, blendReach, drawBlend } from './blend.js';
import { type ColourRanges, drawColourTables } from './drawColourTables.js';
import { REFERENCE_SIZE } from './drift.js';

export type ColourParams = ColourRanges & {
  /** Probability that the source is changed; else the target is, and with it the real member. */
  source_prob: number;
  /** Probability of a change of sharpness, of which `downscale_prob` is by downscaling and the rest by sharpening. */
  sharpness_prob: number;
  downscale_prob: number;
  downscale_factors: number[];
  sharpen_alpha: number[];
  sharpen_lightness: number[];
  /**
   * How sharpness changes: as `published` (every second or fourth pixel kept, or a 3x3 kernel that also darkens), or as
   * in `footage` (softer by `blur_sigma` pixels at 224, or sharper by `unsharp` times what a 3x3 mean takes away).
   */
  focus: string;
  blur_sigma: number[];
  unsharp: number[];
};

/**
 * Makes source and target differ in colour and sharpness, which is what gives the blend away (self-blended images,
 * Shiohara & Yamasaki 2022, their augmentation and its ranges). One of the two is changed, all frames alike; the real
 * member is the target *after* this, or the change itself would tell fakes apart.
 */
export const colour: Stage<ColourParams> = {
  name: 'colour',
  defaults: {
    source_prob: 0.5,
    rgb_shift: [0, 20],
    rgb_shift_prob: 0.3,
    hsv_mode: 'exact',
    hsv_shift: 0.3,
    hsv_prob: 1,
    brightness: 0.1,
    contrast: 0.1,
    brightness_contrast_prob: 1,
    sharpness_prob: 1,
    downscale_prob: 0.5,
    downscale_factors: [2, 4],
    sharpen_alpha: [0.2, 0.5],
    sharpen_lightness: [0.5, 1],
    focus: 'published',
    blur_sigma: [0.5, 2],
    unsharp: [0.3, 1.2],
  },
  apply(clip, params, { random, workspace, trace, count, peek }) {
    const toSource = random.chance(params.source_prob);
    const tables = drawColourTables(params, random);
    const changesSharpness = random.chance(params.sharpness_prob);
    const downscales = random.chance(params.downscale_prob);
    const factor = random.pick(params.downscale_factors);
    const alpha = random.between(params.sharpen_alpha[0]!, params.sharpen_alpha[1]!);
    const lightness = random.between(params.sharpen_lightness[0]!, params.sharpen_lightness[1]!);
    // Drawn last: the numbers above do not depend on it.
    const footage = params.focus === 'footage' && changesSharpness ? drawFocus(params, downscales, clip, random) : null;
    count(toSource ? 'source_transformed' : 'target_transformed');

    const { width, height, frames, frameBytes, target } = clip;
    const source = clip.source ?? target;
    const original = toSource ? source : target;
    const changed = workspace.bytes('recoloured', frames * frameBytes);
    const scratch = workspace.bytes('recoloured frame', frameBytes);
    const spare = footage ? workspace.bytes('refocused frame', frameBytes) : scratch;
    const blending = peek(blend);
    const reached = blending ? blendReach(blending.params, drawBlend(blending.params, blending.random).method) : 0;
    const margin = reached + (clip.sourceBend?.farthest ?? 0);
    const columns = downscaleTaps(width, factor);
    const rows = downscaleTaps(height, factor);
    for (let t = 0; t < frames; t++) {
      const offset = t * frameBytes;
      const needed = toSource && !trace ? sampledBox(clip, t, margin) : wholeBox(width, height);
      const reach = footage ? footage.passes : !changesSharpness ? 0 : downscales ? 2 * factor : 1;
      const read = growBox(needed, reach, width, height);
      const apart = changesSharpness && !footage;
      const flat = apart ? scratch : changed;
      const flatOffset = apart ? 0 : offset;
      if (tables) recolour(original, offset, flat, flatOffset, width, read, tables);
      else copyBox(original, offset, flat, flatOffset, width, read);
      if (!changesSharpness) continue;
      if (footage) refocus(changed, offset, width, height, needed, footage, [scratch, spare]);
      else if (downscales) downscale(scratch, changed, offset, width, columns, rows, needed);
      else sharpen(scratch, 0, changed, offset, width, height, needed, alpha, lightness);
    }
    clip.source = toSource ? changed : source;
    if (!toSource) clip.target = changed;
  },
};

function drawFocus({ blur_sigma, unsharp }: ColourParams, softer: boolean, { width }: Clip, random: Random): Focus {
  const sigma = random.between(blur_sigma[0]!, blur_sigma[1]!);
  const amount = random.between(unsharp[0]!, unsharp[1]!);
  return softer ? softFocus((sigma * width) / REFERENCE_SIZE) : sharpFocus(amount);
}

function downscale(
  scratch: Uint8Array,
  changed: Uint8Array,
  offset: number,
  width: number,
  columns: AxisTaps,
  rows: AxisTaps,
  box: Box,
): void {
  resampleRgb(scratch, 0, width, changed, offset, width, columns, rows, box);
}

function copyBox(source: Uint8Array, from: number, target: Uint8Array, to: number, width: number, box: Box): void {
  for (let y = box.y0; y < box.y1; y++) {
    const first = (y * width + box.x0) * 3;
    target.set(source.subarray(from + first, from + (y * width + box.x1) * 3), to + first);
  }
}

/**
 * The part of the source that the blend will look at: where the mask lies and a margin around it, as far as the method
 * and the source's bending reach, traced back through the source's motion.
 */
function sampledBox(clip: Clip, frame: number, margin: number): Box {
  const { width, height, support, sourceMotion } = clip;
  if (!support) return wholeBox(width, height);
  const box = growBox(support[frame]!, margin, width, height);
  if (!sourceMotion) return box;
  const { scaleX, scaleY, shiftX, shiftY } = sourceMotion;
  const back = {
    x0: Math.floor((box.x0 - shiftX) / scaleX),
    y0: Math.floor((box.y0 - shiftY) / scaleY),
    x1: Math.ceil((box.x1 - shiftX) / scaleX),
    y1: Math.ceil((box.y1 - shiftY) / scaleY),
  };
  return growBox(back, 2, width, height);
}
