import type { Box } from './box.js';
import { reflect101 } from './reflect101.js';

/** Fractional bits of the integer sums. */
const BITS = 16;

let sums = new Int32Array(0);

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
  const columns = (box.x1 - box.x0 + 2) * 3;
  if (sums.length < columns) sums = new Int32Array(columns);
  const column = sums; // a local name: a module's variable is loaded anew at every use
  const own = Math.round((1 - alpha + alpha * (8 + lightness) + alpha) * (1 << BITS));
  const around = Math.round(alpha * (1 << BITS));
  const half = 1 << (BITS - 1);
  for (let y = box.y0; y < box.y1; y++) {
    const row = sourceOffset + y * width * 3;
    const above = sourceOffset + reflect101(y - 1, height) * width * 3;
    const below = sourceOffset + reflect101(y + 1, height) * width * 3;
    // Sums of three rows for the columns x0-1 .. x1.
    for (let x = box.x0 - 1, s = 0; x <= box.x1; x++) {
      const i = (x >= 0 && x < width ? x : reflect101(x, width)) * 3;
      column[s++] = source[above + i]! + source[row + i]! + source[below + i]!;
      column[s++] = source[above + i + 1]! + source[row + i + 1]! + source[below + i + 1]!;
      column[s++] = source[above + i + 2]! + source[row + i + 2]! + source[below + i + 2]!;
    }
    const from = row + box.x0 * 3;
    const to = targetOffset + (y * width + box.x0) * 3;
    const count = (box.x1 - box.x0) * 3;
    for (let k = 0; k < count; k++) {
      const level =
        (Math.imul(own, source[from + k]!) - Math.imul(around, column[k]! + column[k + 3]! + column[k + 6]!) + half) >>
        BITS;
      target[to + k] = Math.max(0, Math.min(255, level));
    }
  }
}
