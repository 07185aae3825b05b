import type { Box } from './box.js';
import { reflect101 } from './reflect101.js';

/** A displacement of every pixel of a frame, `[height, width]` each, pixels. */
export type DisplacementField = { dx: Float32Array; dy: Float32Array };

/**
 * Bends one RGB frame: each pixel of `box` is taken from (x + dx, y + dy), bilinear, rounded to the nearest level, borders
 * mirrored. In the same direction as `displacementNearestMap`, which bends masks.
 *
 * @param source `[height, width, 3]` from 0, other memory than the target
 * @param target `[height, width, 3]` from 0; only `box` is written
 */
export function bendRgb(
  source: Uint8Array,
  target: Uint8Array,
  width: number,
  height: number,
  box: Box,
  { dx, dy }: DisplacementField,
): void {
  for (let y = box.y0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++) {
      const at = y * width + x;
      const fromX = x + dx[at]!;
      const fromY = y + dy[at]!;
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      const [right, lower] = [fromX - left, fromY - top];
      const x0 = reflect101(left, width);
      const x1 = reflect101(left + 1, width);
      const above = reflect101(top, height) * width;
      const below = reflect101(top + 1, height) * width;
      for (let channel = 0; channel < 3; channel++) {
        const upper = source[(above + x0) * 3 + channel]! * (1 - right) + source[(above + x1) * 3 + channel]! * right;
        const under = source[(below + x0) * 3 + channel]! * (1 - right) + source[(below + x1) * 3 + channel]! * right;
        target[at * 3 + channel] = Math.floor(upper * (1 - lower) + under * lower + 0.5);
      }
    }
  }
}
