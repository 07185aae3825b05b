import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, memory, output, scratch } from '../simd/linearMemory.js';
import type { Box } from './box.js';

/**
 * Cuts one float picture back to where it is at its largest: inside `box`, 255 where the value is within the share
 * `threshold` of the largest and 0 elsewhere.
 *
 * @param values `[*, width]`, not negative
 * @param kept `[*, width]`, of which `box` is written
 * @returns where the 255 lie; empty if all values are 0
 */
export function keepFull(values: Float32Array, width: number, box: Box, threshold: number, kept: Uint8Array): Box {
  beginCall();
  const at = input(values);
  const bounds = scratch(16);
  const { x0, y0, x1, y1 } = box;
  const least = kernels.largest(at, width, x0, y0, x1, y1) * (1 - threshold);
  if (!(least > 0)) return { x0: 0, y0: 0, x1: 0, y1: 0 };
  kernels.keepFull(at, width, x0, y0, x1, y1, least, output(kept), bounds);
  endCall();
  const [left, top, right, bottom] = new Int32Array(memory.buffer, bounds, 4) as unknown as [
    number,
    number,
    number,
    number,
  ];
  return { x0: left, y0: top, x1: right, y1: bottom };
}
