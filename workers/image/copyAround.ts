import type { Box } from './box.js';

/** Copies what lies outside `box` of one RGB frame `[height, width, 3]`, from `offset` on in both. */
export function copyAround(
  from: Uint8Array,
  to: Uint8Array,
  offset: number,
  width: number,
  height: number,
  box: Box,
): void {
  const copy = (first: number, end: number): void =>
    to.set(from.subarray(offset + first * 3, offset + end * 3), offset + first * 3);
  copy(0, box.y0 * width);
  for (let y = box.y0; y < box.y1; y++) {
    copy(y * width, y * width + box.x0);
    copy(y * width + box.x1, (y + 1) * width);
  }
  copy(box.y1 * width, height * width);
}
