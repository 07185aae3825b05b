/**
 * Pixel-wise change of colour of a box of an RGB picture: tables per channel, a shift of hue, saturation and value in
 * OpenCV's 8-bit convention, a table for all channels. Source and target may be the same.
 *
 * @param before u8 `[3, 256]`, or 0 for none
 * @param shiftsHsv whether there is a shift; hue 0..179, saturation and value -255..255
 * @param after u8 `[3, 256]`, or 0 for none
 * @param row scratch, u8 `[(x1 - x0) * 3 + 32]`
 */
export function recolour(
  source: usize,
  target: usize,
  width: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  before: usize,
  shiftsHsv: i32,
  hue: i32,
  saturation: i32,
  value: i32,
  after: usize,
  row: usize,
): void {
  const count = <usize>((x1 - x0) * 3);
  const hues = i16x8.splat(<i16>hue);
  const saturations = i16x8.splat(<i16>saturation);
  const values = i16x8.splat(<i16>value);
  for (let y = y0; y < y1; y++) {
    const from = source + <usize>((y * width + x0) * 3);
    const to = target + <usize>((y * width + x0) * 3);
    let read = from;
    if (before !== 0) {
      lookUp(from, shiftsHsv || after !== 0 ? row : to, count, before);
      read = row;
    }
    if (shiftsHsv) {
      for (let i: usize = 0; i < count; i += 24) shiftEight(read + i, row + i, hues, saturations, values);
      read = row;
    }
    if (after !== 0) lookUp(read, to, count, after);
    else if (shiftsHsv || before === 0) memory.copy(to, read, count);
  }
}

function lookUp(from: usize, to: usize, count: usize, tables: usize): void {
  for (let i: usize = 0; i < count; i += 3) {
    store<u8>(to + i, load<u8>(tables + <usize>load<u8>(from + i)));
    store<u8>(to + i, load<u8>(tables + <usize>load<u8>(from + i, 1), 256), 1);
    store<u8>(to + i, load<u8>(tables + <usize>load<u8>(from + i, 2), 512), 2);
  }
}

/** Eight pixels, 24 bytes. */
function shiftEight(from: usize, to: usize, hues: v128, saturations: v128, values: v128): void {
  const head = v128.load(from);
  const rest = v128.load64_zero(from, 16);
  const rg = v128.shuffle<u8>(head, rest, 0, 3, 6, 9, 12, 15, 18, 21, 1, 4, 7, 10, 13, 16, 19, 22);
  const bb = v128.shuffle<u8>(head, rest, 2, 5, 8, 11, 14, 17, 20, 23, 2, 5, 8, 11, 14, 17, 20, 23);
  const r = i16x8.extend_low_i8x16_u(rg);
  const g = i16x8.extend_high_i8x16_u(rg);
  const b = i16x8.extend_low_i8x16_u(bb);

  // To HSV. 255 / max and 30 / range come from tables of multiples of 2^-12 in OpenCV; the divisions here round alike.
  const most = i16x8.max_s(i16x8.max_s(r, g), b);
  const range = i16x8.sub(most, i16x8.min_s(i16x8.min_s(r, g), b));
  const twice = i16x8.shl(range, 1);
  const sixth = v128.bitselect(
    i16x8.sub(g, b),
    v128.bitselect(
      i16x8.add(i16x8.sub(b, r), twice),
      i16x8.add(i16x8.sub(r, g), i16x8.shl(twice, 1)),
      i16x8.eq(most, g),
    ),
    i16x8.eq(most, r),
  );
  const nearRange = i32x4.extend_low_i16x8_s(range);
  const farRange = i32x4.extend_high_i16x8_s(range);
  let s = i16x8.narrow_i32x4_s(
    share(nearRange, i32x4.extend_low_i16x8_s(most), 1044480),
    share(farRange, i32x4.extend_high_i16x8_s(most), 1044480),
  );
  let h = i16x8.narrow_i32x4_s(
    share(i32x4.extend_low_i16x8_s(sixth), nearRange, 122880),
    share(i32x4.extend_high_i16x8_s(sixth), farRange, 122880),
  );
  const circle = i16x8.splat(180);
  h = i16x8.add(h, v128.and(i16x8.shr_s(h, 15), circle));

  h = i16x8.add(h, hues);
  h = i16x8.sub(h, v128.and(i16x8.ge_s(h, circle), circle));
  const zero = i16x8.splat(0);
  const full = i16x8.splat(255);
  s = i16x8.min_s(i16x8.max_s(i16x8.add(s, saturations), zero), full);
  const v = i16x8.min_s(i16x8.max_s(i16x8.add(most, values), zero), full);

  // Back to RGB: each channel has the value, the lowest level or one in between.
  const sector = i16x8.q15mulr_sat_s(i16x8.sub(i16x8.shl(h, 1), i16x8.splat(29)), i16x8.splat(546));
  const part = i16x8.sub(h, i16x8.mul(sector, i16x8.splat(30)));
  const odd = i16x8.eq(v128.and(sector, i16x8.splat(1)), i16x8.splat(1));
  const slope = v128.bitselect(part, i16x8.sub(i16x8.splat(30), part), odd);
  const kept = i16x8.sub(i16x8.splat(7650), i16x8.mul(s, slope));
  const between = i16x8.narrow_i32x4_s(
    quotient7650(i32x4.extmul_low_i16x8_s(v, kept)),
    quotient7650(i32x4.extmul_high_i16x8_s(v, kept)),
  );
  const product = i16x8.add(i16x8.mul(v, i16x8.sub(full, s)), i16x8.splat(128));
  const low = i16x8.shr_u(i16x8.add(product, i16x8.shr_u(product, 8)), 8);

  const s0 = i16x8.eq(sector, zero);
  const s1 = i16x8.eq(sector, i16x8.splat(1));
  const s2 = i16x8.eq(sector, i16x8.splat(2));
  const s3 = i16x8.eq(sector, i16x8.splat(3));
  const s4 = i16x8.eq(sector, i16x8.splat(4));
  const s5 = i16x8.eq(sector, i16x8.splat(5));
  const red = choose(v, between, low, v128.or(s0, s5), v128.or(s1, s4));
  const green = choose(v, between, low, v128.or(s1, s2), v128.or(s0, s3));
  const blue = choose(v, between, low, v128.or(s3, s4), v128.or(s2, s5));
  const redGreen = i8x16.narrow_i16x8_u(red, green);
  const blues = i8x16.narrow_i16x8_u(blue, blue);
  v128.store(to, v128.shuffle<u8>(redGreen, blues, 0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 4, 12, 20, 5));
  v128.store64_lane(
    to + 16,
    v128.shuffle<u8>(redGreen, blues, 13, 21, 6, 14, 22, 7, 15, 23, 0, 0, 0, 0, 0, 0, 0, 0),
    0,
  );
}

/** amount * round(scale / whole) / 2^12, rounded; 0 where amount and whole are 0. */
function share(amount: v128, whole: v128, scale: f32): v128 {
  const factor = i32x4.trunc_sat_f32x4_s(
    f32x4.add(f32x4.div(f32x4.splat(scale), f32x4.convert_i32x4_s(whole)), f32x4.splat(0.5)),
  );
  return i32x4.shr_s(i32x4.add(i32x4.mul(amount, factor), i32x4.splat(2048)), 12);
}

/** x / 7650 rounded, halves up. The half is raised a little so that single precision never falls short of a whole number. */
function quotient7650(x: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(
    f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(x), f32x4.splat(3825.5)), f32x4.splat(1.0 / 7650.0)),
  );
}

function choose(v: v128, between: v128, low: v128, isValue: v128, isBetween: v128): v128 {
  return v128.bitselect(v, v128.bitselect(between, low, isBetween), isValue);
}
