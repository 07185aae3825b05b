import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';

/**
 * m * source + (1 - m) * target, truncated to 8 bits, m = mask * scale. Computed as target + m * (source - target), so
 * that equal pixels stay equal whatever m is.
 *
 * @param picture the target; its `box` becomes the blend. RGB `[*, width, 3]` from `offset`
 * @param source RGB `[*, width, 3]` from 0
 * @param mask `[*, width]` from `maskOffset`
 */
export function alphaBlend(
  picture: Uint8Array,
  offset: number,
  source: Uint8Array,
  mask: Uint8Array | Float32Array,
  maskOffset: number,
  scale: number,
  width: number,
  box: Box,
): void {
  if (isEmptyBox(box)) return;
  const pixels = width * box.y1;
  beginCall();
  const ofBytes = mask instanceof Uint8Array;
  const mix = ofBytes ? kernels.mixBytes : kernels.mixFloats;
  mix(
    output(picture, offset, pixels * 3),
    input(source, 0, pixels * 3),
    input(mask, maskOffset, pixels),
    ofBytes ? scale * 255 : scale, // the kernel divides bytes by 255, so that 255 is exactly 1
    width,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    scratch(64),
  );
  endCall();
}
