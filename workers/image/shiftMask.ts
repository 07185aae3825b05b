import { affineTaps } from './axisTaps.js';
import { type Box, growBox } from './box.js';

/**
 * Moves one 8-bit mask by fractions of a pixel into a float mask 0..1, bilinear, 0 coming in from outside. The target
 * must be 0 beforehand.
 *
 * @returns the part of the target outside which it is 0
 */
export function shiftMask(
  source: Uint8Array,
  target: Float32Array,
  offset: number,
  width: number,
  height: number,
  sourceBox: Box,
  dx: number,
  dy: number,
): Box {
  const moved = {
    x0: sourceBox.x0 + Math.floor(dx),
    y0: sourceBox.y0 + Math.floor(dy),
    x1: sourceBox.x1 + Math.ceil(dx),
    y1: sourceBox.y1 + Math.ceil(dy),
  };
  const box = growBox(moved, 0, width, height);
  const columns = affineTaps(width, 1, dx);
  const rows = affineTaps(height, 1, dy);
  const { low, high, lowWeight, highWeight } = columns;
  for (let y = box.y0; y < box.y1; y++) {
    const upper = offset + rows.low[y]! * width;
    const lower = offset + rows.high[y]! * width;
    const upperWeight = rows.lowWeight[y]!;
    const lowerWeight = rows.highWeight[y]!;
    const out = offset + y * width;
    for (let x = box.x0; x < box.x1; x++) {
      const l = low[x]!;
      const h = high[x]!;
      const level =
        lowWeight[x]! * (upperWeight * source[upper + l]! + lowerWeight * source[lower + l]!) +
        highWeight[x]! * (upperWeight * source[upper + h]! + lowerWeight * source[lower + h]!);
      target[out + x] = level / 255;
    }
  }
  return box;
}
