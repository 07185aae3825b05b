import type { RgbPicture } from '../faces/predictShape.js';

/** A square of a picture, in whole pixels; it may reach beyond the picture's edges. */
export type Square = { readonly x: number; readonly y: number; readonly side: number };

/**
 * Cuts a square out of a picture and scales it to `size` pixels a side: bilinear, over as many pixels as one of the
 * result stands for, so that a smaller picture does not alias. Beyond the picture its edge pixels are repeated.
 */
export function cropSquare(
  { data, width, height }: RgbPicture,
  { x, y, side }: Square,
  size: number,
  out: Uint8Array,
): void {
  const columns = axisTaps(x, side, size, width);
  const rows = axisTaps(y, side, size, height);
  // Rows first: whole lines are read one after another. One entry of `mixed` is a colour of the columns that are used.
  const origin = 3 * columns.first;
  const mixed = new Float32Array(3 * (columns.last + 1) - origin);
  for (let v = 0, to = 0; v < size; v++) {
    mixed.fill(0);
    for (let tap = 0, row = v * rows.count; tap < rows.count; tap++, row++) {
      const weight = rows.weight[row]!;
      if (weight === 0) continue;
      const from = 3 * rows.index[row]! * width + origin;
      for (let i = 0; i < mixed.length; i++) mixed[i]! += weight * data[from + i]!;
    }
    for (let u = 0; u < size; u++) {
      let [red, green, blue] = [0.5, 0.5, 0.5];
      for (let tap = 0, i = u * columns.count; tap < columns.count; tap++, i++) {
        const weight = columns.weight[i]!;
        if (weight === 0) continue;
        const from = 3 * columns.index[i]! - origin;
        red += weight * mixed[from]!;
        green += weight * mixed[from + 1]!;
        blue += weight * mixed[from + 2]!;
      }
      out[to++] = red;
      out[to++] = green;
      out[to++] = blue;
    }
  }
}

type Taps = { count: number; index: Int32Array; weight: Float32Array; first: number; last: number };

/** For each pixel of the result, which pixels of the source it is made of: a triangle as wide as two of its own pixels. */
function axisTaps(start: number, side: number, size: number, length: number): Taps {
  const scale = side / size;
  const reach = Math.max(1, scale);
  const count = Math.ceil(2 * reach) + 1;
  const index = new Int32Array(size * count);
  const weight = new Float32Array(size * count);
  let [first, last] = [length - 1, 0];
  for (let i = 0; i < size; i++) {
    const centre = start + (i + 0.5) * scale - 0.5;
    const begin = Math.ceil(centre - reach);
    let sum = 0;
    for (let tap = 0; tap < count; tap++) sum += Math.max(0, 1 - Math.abs(begin + tap - centre) / reach);
    for (let tap = 0; tap < count; tap++) {
      const from = Math.min(length - 1, Math.max(0, begin + tap));
      index[i * count + tap] = from;
      weight[i * count + tap] = Math.max(0, 1 - Math.abs(begin + tap - centre) / reach) / sum;
      first = Math.min(first, from);
      last = Math.max(last, from);
    }
  }
  return { count, index, weight, first, last };
}
