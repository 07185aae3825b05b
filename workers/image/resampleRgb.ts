import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import type { AxisTaps } from './axisTaps.js';
import { type Box, isEmptyBox } from './box.js';

/**
 * Bilinear resampling of one RGB frame, rounded to the nearest level. Only `box` of the output is written.
 *
 * @param source `[*, sourceWidth, 3]` from `sourceOffset`
 * @param target `[*, targetWidth, 3]` from `targetOffset`
 */
export function resampleRgb(
  source: Uint8Array,
  sourceOffset: number,
  sourceWidth: number,
  target: Uint8Array,
  targetOffset: number,
  targetWidth: number,
  columns: AxisTaps,
  rows: AxisTaps,
  box: Box,
): void {
  if (isEmptyBox(box)) return;
  beginCall();
  const sourceBytes = Math.min(source.length - sourceOffset, sourceWidth * rows.inputEnd * 3);
  const targetBytes = Math.min(target.length - targetOffset, targetWidth * box.y1 * 3);
  kernels.resampleRgb(
    input(source, sourceOffset, sourceBytes),
    sourceWidth,
    output(target, targetOffset, targetBytes),
    targetWidth,
    input(columns.low),
    input(columns.high),
    input(columns.lowFixed),
    input(columns.highFixed),
    input(rows.low),
    input(rows.high),
    input(rows.lowFixed),
    input(rows.highFixed),
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    scratch((sourceWidth * 3 + 16) * 4),
  );
  endCall();
}
