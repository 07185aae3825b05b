import { reflect101 } from './reflect101';

/**
 * Separable blur of a picture of 0 and 255, which count as 0 and 1, in whole numbers: where the kernel sees ones only the
 * result is exactly 1. The picture is 0 outside its box, the border reflected without repeating its pixel.
 *
 * @param taps i16 `[2 * radius + 2]`, symmetric, multiples of 2^-14 that add up to 1, then a zero
 * @param line scratch, i16 `[outWidth + 2 * radius + 16]`
 * @param rows scratch, i16 `[(box height + 1) * stride]`, stride = outWidth rounded up to 8; its last row is the row of
 *   zeros
 * @returns the largest value
 */
export function blurBinary(
  source: usize,
  width: i32,
  height: i32,
  sourceX0: i32,
  sourceY0: i32,
  sourceX1: i32,
  sourceY1: i32,
  taps: usize,
  radius: i32,
  target: usize,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  line: usize,
  rows: usize,
): f32 {
  const outWidth = x1 - x0;
  const size = 2 * radius + 1;
  const stride = <usize>(((outWidth + 7) & ~7) << 1);
  for (let y = sourceY0; y < sourceY1; y++) {
    fillLine(source + <usize>(y * width), width, sourceX0, sourceX1, x0 - radius, outWidth + 2 * radius, line);
    const out = rows + <usize>(y - sourceY0) * stride;
    for (let x: usize = 0; x < stride; x += 16) {
      let sum = i16x8.splat(0);
      for (let tap = 0; tap < size; tap++) {
        const at = (<usize>tap) << 1;
        sum = i16x8.add(sum, v128.and(v128.load16_splat(taps + at), v128.load(line + x + at)));
      }
      v128.store(out + x, sum);
    }
  }
  const zeros = rows + <usize>(sourceY1 - sourceY0) * stride;
  memory.fill(zeros, 0, stride);
  let most = i32x4.splat(0);
  const unit = f32x4.splat(1 / <f32>(1 << 28));
  for (let y = y0; y < y1; y++) {
    let out = target + <usize>((y * width + x0) << 2);
    for (let x: usize = 0; x < stride; x += 16) {
      let near = i32x4.splat(0);
      let far = i32x4.splat(0);
      for (let tap = 0; tap < size; tap += 2) {
        const a = v128.load(rowAt(rows, stride, y - radius + tap, height, sourceY0, sourceY1, zeros) + x);
        const b =
          tap + 1 < size
            ? v128.load(rowAt(rows, stride, y - radius + tap + 1, height, sourceY0, sourceY1, zeros) + x)
            : i16x8.splat(0);
        const pair = v128.load32_splat(taps + ((<usize>tap) << 1));
        near = i32x4.add(near, i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), pair));
        far = i32x4.add(far, i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), pair));
      }
      const left = outWidth - <i32>(x >> 1);
      // Columns past the box are computed along with the others and must not count.
      const lefts = i32x4.splat(left);
      most = i32x4.max_s(most, v128.and(near, i32x4.gt_s(lefts, i32x4(0, 1, 2, 3))));
      most = i32x4.max_s(most, v128.and(far, i32x4.gt_s(lefts, i32x4(4, 5, 6, 7))));
      const nearShare = f32x4.mul(f32x4.convert_i32x4_s(near), unit);
      const farShare = f32x4.mul(f32x4.convert_i32x4_s(far), unit);
      if (left >= 8) {
        v128.store(out, nearShare);
        v128.store(out, farShare, 16);
      } else if (left >= 4) {
        v128.store(out, nearShare);
        storeSome(out + 16, farShare, left - 4);
      } else {
        storeSome(out, nearShare, left);
      }
      out += 32;
    }
  }
  const largest = max(
    max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
    max(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
  );
  return <f32>largest / <f32>(1 << 28);
}

/** One row with its borders, from column `from` on, widened to 16 bits: 0 or all ones. */
function fillLine(row: usize, width: i32, sourceX0: i32, sourceX1: i32, from: i32, length: i32, line: usize): void {
  memory.fill(line, 0, <usize>((length + 16) << 1));
  const inner0 = max(from, max(0, sourceX0));
  const inner1 = min(from + length, min(width, sourceX1));
  let x = inner0;
  for (; x + 8 <= inner1; x += 8)
    v128.store(line + <usize>((x - from) << 1), i16x8.extend_low_i8x16_s(v128.load64_zero(row + <usize>x)));
  for (; x < inner1; x++) store<i16>(line + <usize>((x - from) << 1), load<i8>(row + <usize>x));
  for (x = from; x < min(0, from + length); x++) copyMirrored(row, width, sourceX0, sourceX1, from, x, line);
  for (x = max(width, from); x < from + length; x++) copyMirrored(row, width, sourceX0, sourceX1, from, x, line);
}

function copyMirrored(row: usize, width: i32, sourceX0: i32, sourceX1: i32, from: i32, x: i32, line: usize): void {
  const inside = reflect101(x, width);
  if (inside >= sourceX0 && inside < sourceX1)
    store<i16>(line + <usize>((x - from) << 1), load<i8>(row + <usize>inside));
}

function rowAt(rows: usize, stride: usize, y: i32, height: i32, firstRow: i32, endRow: i32, zeros: usize): usize {
  const row = y >= 0 && y < height ? y : reflect101(y, height);
  return row >= firstRow && row < endRow ? rows + <usize>(row - firstRow) * stride : zeros;
}

function storeSome(out: usize, values: v128, count: i32): void {
  if (count > 0) v128.store32_lane(out, values, 0);
  if (count > 1) v128.store32_lane(out, values, 1, 4);
  if (count > 2) v128.store32_lane(out, values, 2, 8);
}
