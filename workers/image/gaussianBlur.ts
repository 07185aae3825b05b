import { type Box, isEmptyBox } from './box.js';
import { reflect101 } from './reflect101.js';

/** Memory of one call, kept for the next. */
let line = new Float32Array(0);
let runEnd = new Int32Array(0);
let rowsBlurred = new Float32Array(0);

/**
 * Separable blur of one float picture with a symmetric kernel, border reflected without repeating its pixel. Only
 * `outBox` of `target` is written, and `source` counts as 0 outside `sourceBox`, so the cost follows the mask and not
 * the picture. Where the kernel sees one value only, that value is the result and no sum is made.
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
  if (line.length < outWidth + 2 * radius) {
    line = new Float32Array(outWidth + 2 * radius);
    runEnd = new Int32Array(outWidth + 2 * radius);
  }
  if (rowsBlurred.length < outWidth * height) rowsBlurred = new Float32Array(outWidth * height);

  // Rows of the source that any output row looks at.
  const firstRow = Math.max(sourceBox.y0, outBox.y0 - radius, 0);
  const endRow = Math.min(sourceBox.y1, Math.max(outBox.y1 + radius, radius + 1), height);
  for (let y = firstRow; y < endRow; y++) {
    fillLine(line, runEnd, source, sourceOffset + y * width, width, sourceBox, outBox.x0 - radius, outWidth + 2 * radius);
    blurLine(line, runEnd, kernel, outWidth, rowsBlurred, y * outWidth);
  }
  for (let y = outBox.y0; y < outBox.y1; y++) {
    const out = targetOffset + y * width + outBox.x0;
    sumRows(rowsBlurred, outWidth, firstRow, endRow, height, y, kernel, target, out);
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

function blurLine(
  line: Float32Array,
  runEnd: Int32Array,
  kernel: Float32Array,
  outWidth: number,
  blurred: Float32Array,
  out: number,
): void {
  const size = kernel.length;
  const radius = (size - 1) >> 1;
  for (let x = 0; x < outWidth; x++) {
    if (runEnd[x]! >= x + size) {
      blurred[out + x] = line[x]!;
      continue;
    }
    const centre = x + radius;
    let sum = kernel[radius]! * line[centre]!;
    for (let tap = 1; tap <= radius; tap++) sum += kernel[radius + tap]! * (line[centre - tap]! + line[centre + tap]!);
    blurred[out + x] = sum;
  }
}

/** One output row: the weighted sum of the blurred rows around it; rows outside [firstRow, endRow) are 0. */
function sumRows(
  blurred: Float32Array,
  width: number,
  firstRow: number,
  endRow: number,
  height: number,
  y: number,
  kernel: Float32Array,
  target: Float32Array,
  out: number,
): void {
  const radius = (kernel.length - 1) >> 1;
  target.fill(0, out, out + width);
  for (let tap = 0; tap <= radius; tap++) {
    const above = reflect101(y - tap, height);
    const below = reflect101(y + tap, height);
    const hasAbove = above >= firstRow && above < endRow;
    const hasBelow = below >= firstRow && below < endRow && tap > 0;
    if (hasAbove || hasBelow) {
      const a = (hasAbove ? above : below) * width;
      const b = (hasBelow ? below : above) * width;
      // A single row is added to itself with half its weight: one loop serves both cases.
      const weight = hasAbove && hasBelow ? kernel[radius + tap]! : kernel[radius + tap]! / 2;
      for (let x = 0; x < width; x++) target[out + x]! += weight * (blurred[a + x]! + blurred[b + x]!);
    }
  }
}
