import { type Box, isEmptyBox } from './box.js';
import { reflect101 } from './reflect101.js';

let line = new Float32Array(0);
let runEnd = new Int32Array(0);
let between = new Float32Array(0);

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
  const lineLength = outWidth + 2 * radius;
  if (line.length < lineLength) {
    line = new Float32Array(lineLength);
    runEnd = new Int32Array(lineLength);
  }
  if (between.length < outWidth * height) between = new Float32Array(outWidth * height);

  // Rows of the source that any output row looks at.
  const firstRow = Math.max(sourceBox.y0, outBox.y0 - radius, 0);
  const endRow = Math.min(sourceBox.y1, Math.max(outBox.y1 + radius, radius + 1), height);
  for (let y = firstRow; y < endRow; y++) {
    fillLine(source, sourceOffset + y * width, width, sourceBox, outBox.x0 - radius, lineLength);
    blurLine(kernel, radius, outWidth, y * outWidth);
  }
  for (let y = outBox.y0; y < outBox.y1; y++) {
    const out = targetOffset + y * width + outBox.x0;
    target.fill(0, out, out + outWidth);
    for (let tap = 0; tap <= radius; tap++) {
      const above = reflect101(y - tap, height);
      const below = reflect101(y + tap, height);
      const weight = kernel[radius + tap]!;
      const hasAbove = above >= firstRow && above < endRow;
      const hasBelow = below >= firstRow && below < endRow && tap > 0;
      if (hasAbove && hasBelow) {
        const a = above * outWidth;
        const b = below * outWidth;
        for (let x = 0; x < outWidth; x++) target[out + x]! += weight * (between[a + x]! + between[b + x]!);
      } else if (hasAbove || hasBelow) {
        const a = (hasAbove ? above : below) * outWidth;
        for (let x = 0; x < outWidth; x++) target[out + x]! += weight * between[a + x]!;
      }
    }
  }
}

/** Copies one row with its borders into `line` and notes for each place where its run of equal values ends. */
function fillLine(source: Float32Array, row: number, width: number, box: Box, from: number, length: number): void {
  for (let i = 0; i < length; i++) {
    const x = from + i;
    const inside = x >= 0 && x < width ? x : reflect101(x, width);
    line[i] = inside >= box.x0 && inside < box.x1 ? source[row + inside]! : 0;
  }
  runEnd[length - 1] = length;
  for (let i = length - 2; i >= 0; i--) runEnd[i] = line[i] === line[i + 1] ? runEnd[i + 1]! : i + 1;
}

function blurLine(kernel: Float32Array, radius: number, outWidth: number, out: number): void {
  const size = kernel.length;
  for (let x = 0; x < outWidth; x++) {
    if (runEnd[x]! >= x + size) {
      between[out + x] = line[x]!;
      continue;
    }
    const centre = x + radius;
    let sum = kernel[radius]! * line[centre]!;
    for (let tap = 1; tap <= radius; tap++) sum += kernel[radius + tap]! * (line[centre - tap]! + line[centre + tap]!);
    between[out + x] = sum;
  }
}
