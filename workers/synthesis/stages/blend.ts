import { type AxisTaps, affineTaps } from '../../image/axisTaps.js';
import { type Box, wholeBox } from '../../image/box.js';
import { resampleRgb } from '../../image/resampleRgb.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

/**
 * fake = m * source + (1 - m) * target, truncated to 8 bits, with m the mask times a ratio drawn from `ratios` once
 * per clip. Written as target + m * (source - target), so that equal pixels stay equal whatever m is.
 */
export const blend: Stage<{ ratios: number[] }> = {
  name: 'blend',
  defaults: { ratios: [0.25, 0.5, 0.75, 1, 1, 1] },
  apply(clip, { ratios }, { random, workspace, trace }) {
    const ratio = random.pick(ratios);
    const { width, height, frames, frameBytes, target, support, sourceMotion } = clip;
    if (!support) throw new RecipeError('blend has to come after mask');
    const source = clip.source ?? target;
    const motion = sourceMotion && {
      columns: affineTaps(width, sourceMotion.scaleX, sourceMotion.shiftX),
      rows: affineTaps(height, sourceMotion.scaleY, sourceMotion.shiftY),
    };
    const moved = workspace.bytes('moved source frame', frameBytes);
    const fake = workspace.bytes('fake', frames * frameBytes);
    fake.set(target);
    for (let t = 0; t < frames; t++) {
      const box = support[t]!;
      const sampled = trace ? wholeBox(width, height) : box;
      const offset = t * frameBytes;
      if (motion) sampleSource(source, offset, moved, width, motion, sampled);
      else moved.set(source.subarray(offset, offset + frameBytes));
      blendFrame(clip, t, box, ratio, moved, fake);
      trace?.frame({
        index: t,
        width,
        height,
        target: target.slice(offset, offset + frameBytes),
        source: moved.slice(),
        mask: maskPicture(clip, t, ratio),
        blend: fake.slice(offset, offset + frameBytes),
      });
    }
    clip.fake = fake;
    clip.difference = support;
  },
};

function sampleSource(
  source: Uint8Array,
  offset: number,
  moved: Uint8Array,
  width: number,
  motion: { columns: AxisTaps; rows: AxisTaps },
  box: Box,
): void {
  resampleRgb(source, offset, width, moved, 0, width, motion.columns, motion.rows, box);
}

/** Overwrites `box` of frame `t` of `fake`, which holds the target. */
function blendFrame(clip: Clip, t: number, box: Box, ratio: number, source: Uint8Array, fake: Uint8Array): void {
  const { width, height, softMask, hardMask } = clip;
  const mask = softMask ?? hardMask!;
  const scale = softMask ? ratio : ratio / 255;
  const maskStart = t * width * height;
  const fakeStart = t * clip.frameBytes;
  for (let y = box.y0; y < box.y1; y++) {
    for (let i = y * width + box.x0; i < y * width + box.x1; i++) {
      const m = mask[maskStart + i]! * scale;
      if (m === 0) continue;
      const s = 3 * i;
      const f = fakeStart + s;
      const r = fake[f]!;
      const g = fake[f + 1]!;
      const b = fake[f + 2]!;
      fake[f] = r + m * (source[s]! - r);
      fake[f + 1] = g + m * (source[s + 1]! - g);
      fake[f + 2] = b + m * (source[s + 2]! - b);
    }
  }
}

function maskPicture(clip: Clip, t: number, ratio: number): Uint8Array {
  const size = clip.width * clip.height;
  const { softMask, hardMask } = clip;
  return Uint8Array.from({ length: size }, (_, i) =>
    Math.round(ratio * (softMask ? softMask[t * size + i]! * 255 : hardMask![t * size + i]!)),
  );
}
