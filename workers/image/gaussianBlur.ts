import { type Box, isEmptyBox } from './box.js';
import { reflect101 } from './reflect101.js';

/**
 * Memory of one call, kept for the next. `plateauStart` and `plateauEnd` bound, for each row after the horizontal pass,
 * the longest stretch over which the kernel saw one value only; `plateauValue` is that value.
 */
let line = new Float32Array(0);
let runEnd = new Int32Array(0);
let rowsBlurred = new Float32Array(0);
let plateauStart = new Int32Array(0);
let plateauEnd = new Int32Array(0);
let plateauValue = new Float32Array(0);

function reserve(lineLength: number, outWidth: number, height: number): void {
  if (line.length < lineLength) {
    line = new Float32Array(lineLength);
    runEnd = new Int32Array(lineLength);
  }
  if (rowsBlurred.length < outWidth * height) rowsBlurred = new Float32Array(outWidth * height);
  if (plateauStart.length < height) {
    plateauStart = new Int32Array(height);
    plateauEnd = new Int32Array(height);
    plateauValue = new Float32Array(height);
  }
}

/**
 * Separable blur of one float picture with a symmetric kernel, border reflected without repeating its pixel. Only
 * `outBox` of `target` is written, and `source` counts as 0 outside `sourceBox`, so the cost follows the mask and not
 * the picture. Where the kernel sees one value only, as in the middle of a mask, that value is the result and nothing
 * is summed.
 */
export function gaussianBlur(
  source: Float32Array,
  sourceOffset: number,
  width: number,
  height: number,
  sourceBox: Box,
  kernel: Float32Array,
  target: Float32Array,
  targetOffset: number,
  outBox: Box,
): void {
  if (isEmptyBox(outBox)) return;
  const radius = (kernel.length - 1) / 2;
  const outWidth = outBox.x1 - outBox.x0;
  const lineLength = outWidth + 2 * radius;
  reserve(lineLength, outWidth, height);

  // Rows of the source that any output row looks at; the others are 0.
  const firstRow = Math.max(sourceBox.y0, outBox.y0 - radius, 0);
  const endRow = Math.min(sourceBox.y1, Math.max(outBox.y1 + radius, radius + 1), height);
  for (let y = firstRow; y < endRow; y++) {
    fillLine(line, runEnd, source, sourceOffset + y * width, width, sourceBox, outBox.x0 - radius, lineLength);
    blurLine(line, runEnd, kernel, outWidth, y);
  }
  for (let y = outBox.y0; y < outBox.y1; y++) {
    const out = targetOffset + y * width + outBox.x0;
    const [from, to] = commonPlateau(y, radius, firstRow, endRow, height, outWidth);
    if (from < to) target.fill(plateauValue[y]!, out + from, out + to);
    sumRows(rowsBlurred, outWidth, 0, from, firstRow, endRow, height, y, kernel, target, out);
    sumRows(rowsBlurred, outWidth, to, outWidth, firstRow, endRow, height, y, kernel, target, out);
  }
}

/** Copies one row with its borders into `line` and notes for each place where its run of equal values ends. */
function fillLine(
  line: Float32Array,
  runEnd: Int32Array,
  source: Float32Array,
  row: number,
  width: number,
  box: Box,
  from: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) {
    const x = from + i;
    const inside = x >= 0 && x < width ? x : reflect101(x, width);
    line[i] = inside >= box.x0 && inside < box.x1 ? source[row + inside]! : 0;
  }
  runEnd[length - 1] = length;
  for (let i = length - 2; i >= 0; i--) runEnd[i] = line[i] === line[i + 1] ? runEnd[i + 1]! : i + 1;
}

function blurLine(line: Float32Array, runEnd: Int32Array, kernel: Float32Array, outWidth: number, y: number): void {
  const size = kernel.length;
  const radius = (size - 1) >> 1;
  const blurred = rowsBlurred;
  const out = y * outWidth;
  let [start, end] = [0, 0];
  for (let x = 0; x < outWidth; ) {
    const constantUntil = Math.min(outWidth, runEnd[x]! - size + 1);
    if (constantUntil > x) {
      blurred.fill(line[x]!, out + x, out + constantUntil);
      if (constantUntil - x > end - start && line[x] !== 0) [start, end] = [x, constantUntil];
      x = constantUntil;
      continue;
    }
    const centre = x + radius;
    let sum = kernel[radius]! * line[centre]!;
    for (let tap = 1; tap <= radius; tap++) sum += kernel[radius + tap]! * (line[centre - tap]! + line[centre + tap]!);
    blurred[out + x] = sum;
    x++;
  }
  plateauStart[y] = start;
  plateauEnd[y] = end;
  plateauValue[y] = line[start]!;
}

/** The columns in which all rows that an output row looks at lie on a plateau of one value; empty as [0, 0]. */
function commonPlateau(
  y: number,
  radius: number,
  firstRow: number,
  endRow: number,
  height: number,
  outWidth: number,
): [number, number] {
  // At the picture's border rows are mirrored; those are left to the sums.
  if (y - radius < Math.max(firstRow, 0) || y + radius >= Math.min(endRow, height)) return [0, 0];
  let from = 0;
  let to = outWidth;
  for (let row = y - radius; row <= y + radius; row++) {
    if (plateauValue[row] !== plateauValue[y]) return [0, 0];
    if (plateauStart[row]! > from) from = plateauStart[row]!;
    if (plateauEnd[row]! < to) to = plateauEnd[row]!;
    if (from >= to) return [0, 0];
  }
  return [from, to];
}

/** Columns [from, to) of one output row: the weighted sum of the rows around it; outside [firstRow, endRow) they are 0. */
function sumRows(
  blurred: Float32Array,
  width: number,
  from: number,
  to: number,
  firstRow: number,
  endRow: number,
  height: number,
  y: number,
  kernel: Float32Array,
  target: Float32Array,
  out: number,
): void {
  if (from >= to) return;
  const radius = (kernel.length - 1) >> 1;
  target.fill(0, out + from, out + to);
  for (let tap = 0; tap <= radius; tap++) {
    const above = reflect101(y - tap, height);
    const below = reflect101(y + tap, height);
    const hasAbove = above >= firstRow && above < endRow;
    const hasBelow = below >= firstRow && below < endRow && tap > 0;
    if (!hasAbove && !hasBelow) continue;
    const a = (hasAbove ? above : below) * width;
    const b = (hasBelow ? below : above) * width;
    // A single row is added to itself with half its weight: one loop serves both cases.
    const weight = hasAbove && hasBelow ? kernel[radius + tap]! : kernel[radius + tap]! / 2;
    for (let x = from; x < to; x++) target[out + x]! += weight * (blurred[a + x]! + blurred[b + x]!);
  }
}
