const WEIGHT_BITS: i32 = 11;
const ROUND: i32 = 1 << (2 * WEIGHT_BITS - 1);

/**
 * Bilinear resampling of an RGB picture. Rows are mixed first, since neighbouring bytes then have the same weights, and
 * columns gathered from the mixed row afterwards; all sums are exact, so the order does not show.
 *
 * @param columnLow i32 `[targetWidth]` and so on: the taps of both axes, weights as multiples of 2^-11
 * @param mixed scratch, i32 `[sourceWidth * 3 + 16]`
 */
export function resampleRgb(
  source: usize,
  sourceWidth: i32,
  target: usize,
  targetWidth: i32,
  columnLow: usize,
  columnHigh: usize,
  columnLowWeight: usize,
  columnHighWeight: usize,
  rowLow: usize,
  rowHigh: usize,
  rowLowWeight: usize,
  rowHighWeight: usize,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  mixed: usize,
): void {
  let first = sourceWidth;
  let end = 0;
  for (let x = x0; x < x1; x++) {
    const low = load<i32>(columnLow + ((<usize>x) << 2));
    const high = load<i32>(columnHigh + ((<usize>x) << 2));
    first = min(first, min(low, high));
    end = max(end, max(low, high) + 1);
  }
  const bytes = <usize>((end - first) * 3);
  // Address of column 0 in the mixed row, of which only columns first .. end are made.
  const origin = mixed - <usize>(first * 12);
  const half = i32x4.splat(ROUND);
  let madeUpper = -1;
  let madeLower = -1;
  let madeWeight = -1;
  for (let y = y0; y < y1; y++) {
    const row = (<usize>y) << 2;
    const upper = load<i32>(rowLow + row);
    const lower = load<i32>(rowHigh + row);
    const upperWeight = load<i32>(rowLowWeight + row);
    const lowerWeight = load<i32>(rowHighWeight + row);
    if (upper !== madeUpper || lower !== madeLower || lowerWeight !== madeWeight) {
      const pair = i32x4.splat((upperWeight & 0xffff) | (lowerWeight << 16));
      let a = source + <usize>((upper * sourceWidth + first) * 3);
      let b = source + <usize>((lower * sourceWidth + first) * 3);
      let out = mixed;
      const stop = a + bytes;
      while (a < stop) {
        const u = v128.load(a);
        const l = v128.load(b);
        const near = v128.shuffle<u8>(u, l, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const far = v128.shuffle<u8>(u, l, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        v128.store(out, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(near), pair));
        v128.store(out, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(near), pair), 16);
        v128.store(out, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(far), pair), 32);
        v128.store(out, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(far), pair), 48);
        a += 16;
        b += 16;
        out += 64;
      }
      madeUpper = upper;
      madeLower = lower;
      madeWeight = lowerWeight;
    }
    let out = target + <usize>((y * targetWidth + x0) * 3);
    let tap = (<usize>x0) << 2;
    const lastTap = (<usize>x1) << 2;
    while (tap + 16 <= lastTap) {
      const p0 = mixColumn(origin, columnLow + tap, columnHigh + tap, columnLowWeight + tap, columnHighWeight + tap);
      const p1 = mixColumn(
        origin,
        columnLow + tap + 4,
        columnHigh + tap + 4,
        columnLowWeight + tap + 4,
        columnHighWeight + tap + 4,
      );
      const p2 = mixColumn(
        origin,
        columnLow + tap + 8,
        columnHigh + tap + 8,
        columnLowWeight + tap + 8,
        columnHighWeight + tap + 8,
      );
      const p3 = mixColumn(
        origin,
        columnLow + tap + 12,
        columnHigh + tap + 12,
        columnLowWeight + tap + 12,
        columnHighWeight + tap + 12,
      );
      const levels = i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(
          i32x4.shr_s(i32x4.add(p0, half), 2 * WEIGHT_BITS),
          i32x4.shr_s(i32x4.add(p1, half), 2 * WEIGHT_BITS),
        ),
        i16x8.narrow_i32x4_s(
          i32x4.shr_s(i32x4.add(p2, half), 2 * WEIGHT_BITS),
          i32x4.shr_s(i32x4.add(p3, half), 2 * WEIGHT_BITS),
        ),
      );
      const packed = v128.shuffle<u8>(levels, levels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0);
      v128.store64_lane(out, packed, 0);
      v128.store32_lane(out, packed, 2, 8);
      out += 12;
      tap += 16;
    }
    while (tap < lastTap) {
      const p = mixColumn(origin, columnLow + tap, columnHigh + tap, columnLowWeight + tap, columnHighWeight + tap);
      const level = i32x4.shr_s(i32x4.add(p, half), 2 * WEIGHT_BITS);
      store<u8>(out, i32x4.extract_lane(level, 0));
      store<u8>(out, i32x4.extract_lane(level, 1), 1);
      store<u8>(out, i32x4.extract_lane(level, 2), 2);
      out += 3;
      tap += 4;
    }
  }
}

function mixColumn(origin: usize, low: usize, high: usize, lowWeight: usize, highWeight: usize): v128 {
  return i32x4.add(
    i32x4.mul(v128.load(origin + <usize>(load<i32>(low) * 12)), v128.load32_splat(lowWeight)),
    i32x4.mul(v128.load(origin + <usize>(load<i32>(high) * 12)), v128.load32_splat(highWeight)),
  );
}
