import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import type { AxisTaps } from './axisTaps.js';
import { type Box, isEmptyBox } from './box.js';

/**
 * Bilinear resampling of one float mask that is 0 outside `sourceBox`. The target must be 0 beforehand. Where the mask
 * is 1 all around, the result is exactly `factor`.
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
  beginCall();
  kernels.resampleMask(
    input(source, sourceOffset, Math.min(source.length - sourceOffset, sourceWidth * rows.inputEnd)),
    sourceWidth,
    output(target, targetOffset, Math.min(target.length - targetOffset, targetWidth * y1)),
    targetWidth,
    input(columns.low),
    input(columns.high),
    input(columns.lowWeight),
    input(columns.highWeight),
    input(rows.low),
    input(rows.high),
    input(rows.lowWeight),
    input(rows.highWeight),
    x0,
    y0,
    x1,
    y1,
    factor,
    scratch((sourceWidth + 4) * 4),
  );
  endCall();
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
