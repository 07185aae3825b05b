import { type AxisTaps, WEIGHT_BITS } from './axisTaps.js';
import type { Box } from './box.js';

const ROUND = 1 << (2 * WEIGHT_BITS - 1);

let upperRow = new Int32Array(0);
let lowerRow = new Int32Array(0);

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
  const width = box.x1 - box.x0;
  if (upperRow.length < width * 3) {
    upperRow = new Int32Array(width * 3);
    lowerRow = new Int32Array(width * 3);
  }
  // Which input row each buffer holds: neighbouring output rows mostly share them.
  let upperHolds = -1;
  let lowerHolds = -1;
  for (let y = box.y0; y < box.y1; y++) {
    const upper = rows.low[y]!;
    const lower = rows.high[y]!;
    if (lowerHolds === upper && upperHolds !== upper) {
      const swap = upperRow;
      upperRow = lowerRow;
      lowerRow = swap;
      lowerHolds = upperHolds;
      upperHolds = upper;
    }
    if (upperHolds !== upper) {
      mixColumns(source, sourceOffset + upper * sourceWidth * 3, columns, box, upperRow);
      upperHolds = upper;
    }
    if (lowerHolds !== lower) {
      mixColumns(source, sourceOffset + lower * sourceWidth * 3, columns, box, lowerRow);
      lowerHolds = lower;
    }
    const upperWeight = rows.lowFixed[y]!;
    const lowerWeight = rows.highFixed[y]!;
    const out = targetOffset + (y * targetWidth + box.x0) * 3;
    const a = upperRow;
    const b = lowerRow;
    for (let i = 0; i < width * 3; i++)
      target[out + i] = (Math.imul(a[i]!, upperWeight) + Math.imul(b[i]!, lowerWeight) + ROUND) >> (2 * WEIGHT_BITS);
  }
}

function mixColumns(source: Uint8Array, rowStart: number, columns: AxisTaps, box: Box, row: Int32Array): void {
  const { low, high, lowFixed, highFixed } = columns;
  for (let x = box.x0, i = 0; x < box.x1; x++, i += 3) {
    const left = rowStart + low[x]! * 3;
    const right = rowStart + high[x]! * 3;
    const leftWeight = lowFixed[x]!;
    const rightWeight = highFixed[x]!;
    row[i] = Math.imul(source[left]!, leftWeight) + Math.imul(source[right]!, rightWeight);
    row[i + 1] = Math.imul(source[left + 1]!, leftWeight) + Math.imul(source[right + 1]!, rightWeight);
    row[i + 2] = Math.imul(source[left + 2]!, leftWeight) + Math.imul(source[right + 2]!, rightWeight);
  }
}
