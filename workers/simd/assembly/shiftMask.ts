/**
 * Moves an 8-bit mask by fractions of a pixel into a float mask 0..1: output (x, y) lies at (x - dx, y - dy) of the
 * input, outside of which there is 0. Written as a + weight * (b - a), so that 255 among its like becomes exactly 1.
 *
 * @param lowX,lowY floor(-dx), floor(-dy)
 * @param weightX,weightY the fractions, 0 <= weight < 1
 * @param mixed scratch, f32 `[x1 - x0 + 20]`
 * @param zeros scratch, u8 `[width + 16]`
 */
export function shiftMask(
  source: usize,
  target: usize,
  width: i32,
  height: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  lowX: i32,
  lowY: i32,
  weightX: f32,
  weightY: f32,
  mixed: usize,
  zeros: usize,
): void {
  const length = x1 - x0 + 1;
  const first = x0 + lowX;
  const inner0 = max(0, first);
  const inner1 = min(width, first + length);
  const down = f32x4.splat(weightY);
  const across = f32x4.splat(weightX);
  memory.fill(mixed, 0, <usize>((length + 19) << 2));
  memory.fill(zeros, 0, <usize>(width + 16));
  for (let y = y0; y < y1; y++) {
    const upper = y + lowY;
    const lower = upper + 1;
    const a = upper >= 0 && upper < height ? source + <usize>(upper * width) : zeros;
    const b = lower >= 0 && lower < height ? source + <usize>(lower * width) : zeros;
    let x = inner0;
    let out = mixed + <usize>((inner0 - first) << 2);
    for (; x + 4 <= inner1; x += 4) {
      v128.store(out, mixRows(a + <usize>x, b + <usize>x, down));
      out += 16;
    }
    for (; x < inner1; x++) {
      v128.store32_lane(out, mixRows(a + <usize>x, b + <usize>x, down), 0);
      out += 4;
    }
    out = target + <usize>((y * width + x0) << 2);
    let at = mixed;
    for (x = x0; x + 4 <= x1; x += 4) {
      v128.store(out, mixColumns(at, across));
      at += 16;
      out += 16;
    }
    for (; x < x1; x++) {
      v128.store32_lane(out, mixColumns(at, across), 0);
      at += 4;
      out += 4;
    }
  }
}

function mixRows(a: usize, b: usize, weight: v128): v128 {
  const upper = toFloats(a);
  return f32x4.add(upper, f32x4.mul(weight, f32x4.sub(toFloats(b), upper)));
}

function mixColumns(at: usize, weight: v128): v128 {
  const left = v128.load(at);
  const level = f32x4.add(left, f32x4.mul(weight, f32x4.sub(v128.load(at, 4), left)));
  return f32x4.div(level, f32x4.splat(255));
}

function toFloats(at: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
}
