import { reflect101 } from './reflect101';

/**
 * Separable blur of a float picture with a symmetric kernel, border reflected without repeating its pixel. Sums run
 * from the centre outwards whatever the boxes are. Rows outside `firstRow .. endRow` and columns outside
 * `sourceX0 .. sourceX1` count as 0.
 *
 * @param taps f32 `[radius + 1]`, from the centre outwards
 * @param line scratch, f32 `[outWidth + 2 * radius + 32]`
 * @param rows scratch, f32 `[(endRow - firstRow + 1) * stride]`, stride = outWidth rounded up to 16; its last row is the
 *   row of zeros
 */
export function blurFloats(
  source: usize,
  width: i32,
  height: i32,
  sourceX0: i32,
  sourceX1: i32,
  firstRow: i32,
  endRow: i32,
  taps: usize,
  radius: i32,
  target: usize,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  line: usize,
  rows: usize,
): void {
  const outWidth = x1 - x0;
  const stride = <usize>(((outWidth + 15) & ~15) << 2);
  for (let y = firstRow; y < endRow; y++) {
    fillLine(source + <usize>((y * width) << 2), width, sourceX0, sourceX1, x0 - radius, outWidth + 2 * radius, line);
    blurLine(line, taps, radius, rows + <usize>(y - firstRow) * stride, stride);
  }
  const zeros = rows + <usize>max(0, endRow - firstRow) * stride;
  memory.fill(zeros, 0, stride);
  const tail = outWidth & 3;
  for (let y = y0; y < y1; y++) {
    const out = target + <usize>((y * width + x0) << 2);
    const centre = rowAt(rows, stride, y, height, firstRow, endRow, zeros);
    for (let x: usize = 0; x < stride; x += 64) {
      const weight = v128.load32_splat(taps);
      let sum0 = f32x4.mul(weight, v128.load(centre + x));
      let sum1 = f32x4.mul(weight, v128.load(centre + x, 16));
      let sum2 = f32x4.mul(weight, v128.load(centre + x, 32));
      let sum3 = f32x4.mul(weight, v128.load(centre + x, 48));
      for (let tap = 1; tap <= radius; tap++) {
        const above = rowAt(rows, stride, y - tap, height, firstRow, endRow, zeros) + x;
        const below = rowAt(rows, stride, y + tap, height, firstRow, endRow, zeros) + x;
        const w = v128.load32_splat(taps + ((<usize>tap) << 2));
        sum0 = f32x4.add(sum0, f32x4.mul(w, f32x4.add(v128.load(above), v128.load(below))));
        sum1 = f32x4.add(sum1, f32x4.mul(w, f32x4.add(v128.load(above, 16), v128.load(below, 16))));
        sum2 = f32x4.add(sum2, f32x4.mul(w, f32x4.add(v128.load(above, 32), v128.load(below, 32))));
        sum3 = f32x4.add(sum3, f32x4.mul(w, f32x4.add(v128.load(above, 48), v128.load(below, 48))));
      }
      const left = outWidth - <i32>(x >> 2);
      if (left >= 16) {
        v128.store(out + x, sum0);
        v128.store(out + x, sum1, 16);
        v128.store(out + x, sum2, 32);
        v128.store(out + x, sum3, 48);
      } else {
        // What is stored past the box would overwrite what lies beside it.
        if (left >= 4) v128.store(out + x, sum0);
        if (left >= 8) v128.store(out + x, sum1, 16);
        if (left >= 12) v128.store(out + x, sum2, 32);
        if (tail > 0)
          storeSome(
            out + x + <usize>((left & ~3) << 2),
            left < 4 ? sum0 : left < 8 ? sum1 : left < 12 ? sum2 : sum3,
            tail,
          );
      }
    }
  }
}

function rowAt(rows: usize, stride: usize, y: i32, height: i32, firstRow: i32, endRow: i32, zeros: usize): usize {
  const row = y >= 0 && y < height ? y : reflect101(y, height);
  return row >= firstRow && row < endRow ? rows + <usize>(row - firstRow) * stride : zeros;
}

/** One row with its borders, from column `from` on. */
function fillLine(row: usize, width: i32, sourceX0: i32, sourceX1: i32, from: i32, length: i32, line: usize): void {
  memory.fill(line, 0, <usize>((length + 32) << 2));
  const inner0 = max(from, max(0, sourceX0));
  const inner1 = min(from + length, min(width, sourceX1));
  if (inner1 > inner0)
    memory.copy(line + <usize>((inner0 - from) << 2), row + <usize>(inner0 << 2), <usize>((inner1 - inner0) << 2));
  for (let x = from; x < min(0, from + length); x++) copyMirrored(row, width, sourceX0, sourceX1, from, x, line);
  for (let x = max(width, from); x < from + length; x++) copyMirrored(row, width, sourceX0, sourceX1, from, x, line);
}

function copyMirrored(row: usize, width: i32, sourceX0: i32, sourceX1: i32, from: i32, x: i32, line: usize): void {
  const inside = reflect101(x, width);
  if (inside >= sourceX0 && inside < sourceX1)
    store<f32>(line + <usize>((x - from) << 2), load<f32>(row + <usize>(inside << 2)));
}

function blurLine(line: usize, taps: usize, radius: i32, out: usize, stride: usize): void {
  const centre = line + ((<usize>radius) << 2);
  for (let x: usize = 0; x < stride; x += 64) {
    const middle = centre + x;
    const weight = v128.load32_splat(taps);
    let sum0 = f32x4.mul(weight, v128.load(middle));
    let sum1 = f32x4.mul(weight, v128.load(middle, 16));
    let sum2 = f32x4.mul(weight, v128.load(middle, 32));
    let sum3 = f32x4.mul(weight, v128.load(middle, 48));
    for (let tap = 1; tap <= radius; tap++) {
      const reach = (<usize>tap) << 2;
      const w = v128.load32_splat(taps + reach);
      const left = middle - reach;
      const right = middle + reach;
      sum0 = f32x4.add(sum0, f32x4.mul(w, f32x4.add(v128.load(left), v128.load(right))));
      sum1 = f32x4.add(sum1, f32x4.mul(w, f32x4.add(v128.load(left, 16), v128.load(right, 16))));
      sum2 = f32x4.add(sum2, f32x4.mul(w, f32x4.add(v128.load(left, 32), v128.load(right, 32))));
      sum3 = f32x4.add(sum3, f32x4.mul(w, f32x4.add(v128.load(left, 48), v128.load(right, 48))));
    }
    v128.store(out + x, sum0);
    v128.store(out + x, sum1, 16);
    v128.store(out + x, sum2, 32);
    v128.store(out + x, sum3, 48);
  }
}

function storeSome(out: usize, values: v128, count: i32): void {
  v128.store32_lane(out, values, 0);
  if (count > 1) v128.store32_lane(out, values, 1, 4);
  if (count > 2) v128.store32_lane(out, values, 2, 8);
}
