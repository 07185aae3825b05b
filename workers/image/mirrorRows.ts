import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, output } from '../simd/linearMemory.js';

/** Mirrors RGB rows left to right, in place. `pixels` `[height, width, 3]`; all frames of a clip may count as one. */
export function mirrorRows(pixels: Uint8Array, width: number, height: number): void {
  beginCall();
  kernels.mirrorRows(output(pixels, 0, width * height * 3), width, height);
  endCall();
}
