import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';

/** Fractional bits of the kernel: two passes fill 28 of 31 bits. */
const TAP_BITS = 14;

/**
 * Blurs one picture of 0 and 255, counted as 0 and 1, with a symmetric kernel, border reflected without repeating its
 * pixel. In whole numbers of 2^-28: where the kernel sees ones only the result is exactly 1, so that a mask's middle
 * shows the source and nothing else. The kernel's running sums are kept to 2^-15.
 *
 * @param source `[height, width]`, 0 outside `sourceBox`
 * @param target `[height, width]`, of which `outBox` is written
 * @returns the largest value
 */
export function blurBinary(
  source: Uint8Array,
  width: number,
  height: number,
  sourceBox: Box,
  kernel: Float32Array,
  target: Float32Array,
  outBox: Box,
): number {
  if (isEmptyBox(outBox)) return 0;
  const radius = (kernel.length - 1) / 2;
  const outWidth = outBox.x1 - outBox.x0;
  beginCall();
  const most = kernels.blurBinary(
    input(source),
    width,
    height,
    sourceBox.x0,
    sourceBox.y0,
    sourceBox.x1,
    sourceBox.y1,
    input(wholeTaps(kernel)),
    radius,
    output(target),
    outBox.x0,
    outBox.y0,
    outBox.x1,
    outBox.y1,
    scratch((outWidth + 2 * radius + 16) * 2),
    scratch((sourceBox.y1 - sourceBox.y0 + 1) * ((outWidth + 7) & ~7) * 2),
  );
  endCall();
  return most;
}

/** The kernel in multiples of 2^-14 that add up to 1, its running sums rounded rather than its taps; a zero follows. */
function wholeTaps(kernel: Float32Array): Int16Array {
  const radius = (kernel.length - 1) / 2;
  const taps = new Int16Array(kernel.length + 1);
  let sum = 0;
  let given = 0;
  for (let i = 0; i < radius; i++) {
    sum += kernel[i]!;
    const tap = Math.round(sum * 2 ** TAP_BITS) - given;
    given += tap;
    taps[i] = tap;
    taps[2 * radius - i] = tap;
  }
  taps[radius] = 2 ** TAP_BITS - 2 * given;
  return taps;
}
