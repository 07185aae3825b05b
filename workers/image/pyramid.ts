import { reflect101 } from './reflect101.js';

let row = new Float32Array(0);

function reserveRow(length: number): Float32Array {
  if (row.length < length) row = new Float32Array(length);
  return row;
}

/** Side of the next smaller picture of a pyramid. */
export const halfSide = (side: number): number => (side + 1) >> 1;

/**
 * The next smaller picture of a Gaussian pyramid (Burt & Adelson 1983): blurred with [1 4 6 4 1] / 16 along both axes
 * and every second pixel kept, border mirrored without repeating its pixel. As OpenCV's pyrDown. One channel.
 *
 * @param source `[height, width]`
 * @param target `[halfSide(height), halfSide(width)]`
 */
export function pyramidDown(source: Float32Array, width: number, height: number, target: Float32Array): void {
  const smallWidth = halfSide(width);
  const mixed = reserveRow(width);
  for (let y = 0; y < halfSide(height); y++) {
    const above2 = reflect101(2 * y - 2, height) * width;
    const above = reflect101(2 * y - 1, height) * width;
    const at = 2 * y * width;
    const below = reflect101(2 * y + 1, height) * width;
    const below2 = reflect101(2 * y + 2, height) * width;
    for (let x = 0; x < width; x++)
      mixed[x] =
        6 * source[at + x]! + 4 * (source[above + x]! + source[below + x]!) + source[above2 + x]! + source[below2 + x]!;
    const out = y * smallWidth;
    const last = (width - 3) >> 1; // two pixels lie on either side of 2x for 1 <= x <= last
    for (let x = 1; x <= last; x++)
      target[out + x] =
        (6 * mixed[2 * x]! + 4 * (mixed[2 * x - 1]! + mixed[2 * x + 1]!) + mixed[2 * x - 2]! + mixed[2 * x + 2]!) *
        (1 / 256);
    for (let x = 0; x < smallWidth; x = x === 0 ? Math.max(1, last + 1) : x + 1) {
      const tap = (offset: number): number => mixed[reflect101(2 * x + offset, width)]!;
      target[out + x] = (6 * tap(0) + 4 * (tap(-1) + tap(1)) + tap(-2) + tap(2)) * (1 / 256);
    }
  }
}

/**
 * A picture of twice the size: zeros between the pixels, blurred with [1 4 6 4 1] / 8 along both axes. Before the first
 * pixel the second one is repeated, after the last one the last, as OpenCV's pyrUp does. One channel.
 *
 * @param source `[halfSide(height), halfSide(width)]`
 * @param target `[height, width]`
 */
export function pyramidUp(source: Float32Array, width: number, height: number, target: Float32Array): void {
  const smallWidth = halfSide(width);
  const smallHeight = halfSide(height);
  // One place on either side for what is repeated.
  const mixed = reserveRow(smallWidth + 2);
  for (let y = 0; y < height; y++) {
    const middle = y >> 1;
    const at = middle * smallWidth;
    const after = Math.min(middle + 1, smallHeight - 1) * smallWidth;
    if (y & 1) for (let x = 0; x < smallWidth; x++) mixed[x + 1] = 4 * (source[at + x]! + source[after + x]!);
    else {
      const before = (middle > 0 ? middle - 1 : Math.min(1, smallHeight - 1)) * smallWidth;
      for (let x = 0; x < smallWidth; x++)
        mixed[x + 1] = source[before + x]! + 6 * source[at + x]! + source[after + x]!;
    }
    mixed[0] = mixed[Math.min(2, smallWidth)]!;
    mixed[smallWidth + 1] = mixed[smallWidth]!;
    const out = y * width;
    const pairs = width >> 1;
    for (let x = 0; x < pairs; x++) {
      const own = mixed[x + 1]!;
      const next = mixed[x + 2]!;
      target[out + 2 * x] = (mixed[x]! + 6 * own + next) * (1 / 64);
      target[out + 2 * x + 1] = (own + next) * (1 / 16);
    }
    if (width & 1) target[out + width - 1] = (mixed[pairs]! + 6 * mixed[pairs + 1]! + mixed[pairs + 2]!) * (1 / 64);
  }
}
