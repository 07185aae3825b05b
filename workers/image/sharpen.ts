import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';

/** Fractional bits of the integer sums. */
const BITS = 16;

/**
 * Sharpens `box` of one RGB frame: (1 - alpha) I + alpha K with K = 8 + lightness in the centre and -1 around it, the
 * kernel of albumentations' Sharpen. Written as (centre + alpha) v - alpha * (3x3 sum), rounded, clipped to 0..255.
 *
 * @param source `[height, width, 3]` from `sourceOffset`, other memory than the target
 * @param target `[height, width, 3]` from `targetOffset`
 */
export function sharpen(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  width: number,
  height: number,
  box: Box,
  alpha: number,
  lightness: number,
): void {
  if (isEmptyBox(box)) return;
  beginCall();
  kernels.sharpen(
    input(source, sourceOffset, width * height * 3),
    output(target, targetOffset, width * height * 3),
    width,
    height,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    Math.round((1 - alpha + alpha * (8 + lightness) + alpha) * (1 << BITS)),
    Math.round(alpha * (1 << BITS)),
    scratch(((box.x1 - box.x0 + 2) * 3 + 16) * 2),
    scratch(16),
  );
  endCall();
}
