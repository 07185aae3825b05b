import { reflect101 } from './reflect101';

const BITS: i32 = 16;

/**
 * (own * v - around * (sum of the 3x3 pixels)) / 2^16 of a box of an RGB picture, rounded and clipped.
 *
 * @param sums scratch, i16 `[(x1 - x0 + 2) * 3 + 16]`
 * @param scratch 16 bytes
 */
export function sharpen(
  source: usize,
  target: usize,
  width: i32,
  height: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  own: i32,
  around: i32,
  sums: usize,
  scratch: usize,
): void {
  const owns = i32x4.splat(own);
  const arounds = i32x4.splat(around);
  const half = i32x4.splat(1 << (BITS - 1));
  const inner0 = max(0, x0 - 1);
  const inner1 = min(width, x1 + 1);
  for (let y = y0; y < y1; y++) {
    const row = source + <usize>(y * width * 3);
    const above = source + <usize>(reflect101(y - 1, height) * width * 3);
    const below = source + <usize>(reflect101(y + 1, height) * width * 3);
    // Sums of three rows; column x0 - 1 comes first.
    let out = sums + <usize>((inner0 - (x0 - 1)) * 6);
    for (let i = <usize>(inner0 * 3), end = <usize>(inner1 * 3); i < end; i += 8) {
      const two = i16x8.add(
        i16x8.extend_low_i8x16_u(v128.load64_zero(above + i)),
        i16x8.extend_low_i8x16_u(v128.load64_zero(below + i)),
      );
      v128.store(out, i16x8.add(two, i16x8.extend_low_i8x16_u(v128.load64_zero(row + i))));
      out += 16;
    }
    if (x0 === 0) copyColumn(sums, reflect101(-1, width), 0, x0);
    if (x1 === width) copyColumn(sums, reflect101(width, width), x1 - x0 + 1, x0);
    const from = row + <usize>(x0 * 3);
    const to = target + <usize>((y * width + x0) * 3);
    const count = <usize>((x1 - x0) * 3);
    for (let k: usize = 0; k < count; k += 8) {
      const at = sums + (k << 1);
      const sum = i16x8.add(i16x8.add(v128.load(at), v128.load(at, 6)), v128.load(at, 12));
      const level = i16x8.extend_low_i8x16_u(v128.load64_zero(from + k));
      const near = i32x4.sub(
        i32x4.mul(owns, i32x4.extend_low_i16x8_s(level)),
        i32x4.mul(arounds, i32x4.extend_low_i16x8_s(sum)),
      );
      const far = i32x4.sub(
        i32x4.mul(owns, i32x4.extend_high_i16x8_s(level)),
        i32x4.mul(arounds, i32x4.extend_high_i16x8_s(sum)),
      );
      const words = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(near, half), BITS),
        i32x4.shr_s(i32x4.add(far, half), BITS),
      );
      const bytes = i8x16.narrow_i16x8_u(words, words);
      if (k + 8 <= count) {
        v128.store64_lane(to + k, bytes, 0);
      } else {
        v128.store64_lane(scratch, bytes, 0);
        memory.copy(to + k, scratch, count - k);
      }
    }
  }
}

/** Puts picture column `from` to `place` of the sums. */
function copyColumn(sums: usize, from: i32, place: i32, x0: i32): void {
  memory.copy(sums + <usize>(place * 6), sums + <usize>((from - (x0 - 1)) * 6), 6);
}
