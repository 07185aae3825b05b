import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';

/**
 * Separable blur of one float picture with a symmetric kernel, border reflected without repeating its pixel. Only
 * `outBox` of `target` is written, and `source` counts as 0 outside `sourceBox`, so the cost follows the mask and not
 * the picture.
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
  // Rows of the source that any output row looks at; the others are 0. Near a border rows are mirrored into the picture.
  const firstRow = outBox.y1 + radius > height ? sourceBox.y0 : Math.max(sourceBox.y0, outBox.y0 - radius, 0);
  const endRow = outBox.y0 - radius < 0 ? sourceBox.y1 : Math.min(sourceBox.y1, outBox.y1 + radius, height);
  const rowBytes = ((outWidth + 15) & ~15) * 4;
  beginCall();
  kernels.blurFloats(
    input(source, sourceOffset, width * height),
    width,
    height,
    sourceBox.x0,
    sourceBox.x1,
    firstRow,
    endRow,
    input(kernel, radius),
    radius,
    output(target, targetOffset, width * height),
    outBox.x0,
    outBox.y0,
    outBox.x1,
    outBox.y1,
    scratch((outWidth + 2 * radius + 32) * 4),
    scratch((Math.max(0, endRow - firstRow) + 1) * rowBytes),
  );
  endCall();
}
