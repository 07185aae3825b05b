import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, growBox, isEmptyBox } from './box.js';

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
  if (isEmptyBox(box)) return box;
  const lowX = Math.floor(-dx);
  const lowY = Math.floor(-dy);
  beginCall();
  kernels.shiftMask(
    input(source, offset, width * height),
    output(target, offset, width * height),
    width,
    height,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    lowX,
    lowY,
    -dx - lowX,
    -dy - lowY,
    scratch((box.x1 - box.x0 + 20) * 4),
    scratch(width + 16),
  );
  endCall();
  return box;
}
