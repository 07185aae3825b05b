import type { Box } from './box.js';
import { MIX_BITS, mixNeighbours } from './mixNeighbours.js';

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
  const own = Math.round((1 - alpha + alpha * (8 + lightness) + alpha) * (1 << MIX_BITS));
  const around = Math.round(alpha * (1 << MIX_BITS));
  mixNeighbours(source, sourceOffset, target, targetOffset, width, height, box, own, around);
}
