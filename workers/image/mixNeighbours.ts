import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';

/** Fractional bits of the weights. */
export const MIX_BITS = 16;

/**
 * `own * v - around * (sum of the 3x3 pixels)` for each level v of `box` of one RGB frame, rounded, clipped to 0..255,
 * borders mirrored. Weights are whole multiples of 2^-MIX_BITS.
 *
 * @param source `[height, width, 3]` from `sourceOffset`, other memory than the target
 * @param target `[height, width, 3]` from `targetOffset`
 */
export function mixNeighbours(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  width: number,
  height: number,
  box: Box,
  own: number,
  around: number,
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
    own,
    around,
    scratch(((box.x1 - box.x0 + 2) * 3 + 16) * 2),
    scratch(16),
  );
  endCall();
}
