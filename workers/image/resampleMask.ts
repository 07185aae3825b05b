import type { AxisTaps } from './axisTaps.js';
import { type Box, isEmptyBox } from './box.js';

/**
 * Bilinear resampling of one float mask that is 0 outside `sourceBox`. The target must be 0 beforehand.
 *
 * @returns the part of the target that was written; the rest is 0
 */
export function resampleMask(
  source: Float32Array,
  sourceOffset: number,
  sourceWidth: number,
  sourceBox: Box,
  target: Float32Array,
  targetOffset: number,
  targetWidth: number,
  columns: AxisTaps,
  rows: AxisTaps,
  factor = 1,
): Box {
  const [x0, x1] = reach(columns, sourceBox.x0, sourceBox.x1);
  const [y0, y1] = reach(rows, sourceBox.y0, sourceBox.y1);
  const box = { x0, y0, x1, y1 };
  if (isEmptyBox(box) || isEmptyBox(sourceBox)) return { x0: 0, y0: 0, x1: 0, y1: 0 };
  const { low, high, lowWeight, highWeight } = columns;
  for (let y = y0; y < y1; y++) {
    const upper = sourceOffset + rows.low[y]! * sourceWidth;
    const lower = sourceOffset + rows.high[y]! * sourceWidth;
    const upperWeight = rows.lowWeight[y]!;
    const lowerWeight = rows.highWeight[y]!;
    const out = targetOffset + y * targetWidth;
    for (let x = x0; x < x1; x++) {
      const l = low[x]!;
      const h = high[x]!;
      const value =
        lowWeight[x]! * (upperWeight * source[upper + l]! + lowerWeight * source[lower + l]!) +
        highWeight[x]! * (upperWeight * source[upper + h]! + lowerWeight * source[lower + h]!);
      target[out + x] = value * factor;
    }
  }
  return box;
}

/** The outputs that touch inputs in [from, to); taps rise monotonically. */
function reach(taps: AxisTaps, from: number, to: number): [number, number] {
  let first = 0;
  let last = taps.low.length;
  while (first < last && Math.max(taps.low[first]!, taps.high[first]!) < from) first++;
  while (last > first && Math.min(taps.low[last - 1]!, taps.high[last - 1]!) >= to) last--;
  return [first, last];
}
