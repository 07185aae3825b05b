/**
 * Inside a box, 255 where the value is at least `least` and 0 elsewhere.
 *
 * @param kept u8 `[height, width]`, written inside the box only
 * @param box i32 `[4]`: receives the bounding box x0, y0, x1, y1 of what was kept; x1 <= x0 if nothing was
 */
export function keepFull(
  values: usize,
  width: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  least: f32,
  kept: usize,
  box: usize,
): void {
  const bound = f32x4.splat(least);
  let left = x1;
  let top = y1;
  let right = x0;
  let bottom = y0;
  for (let y = y0; y < y1; y++) {
    const row = y * width;
    let firstKept = x1;
    let lastKept = -1;
    let x = x0;
    for (; x + 4 <= x1; x += 4) {
      const full = f32x4.ge(v128.load(values + <usize>((row + x) << 2)), bound);
      const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(full, full), i16x8.narrow_i32x4_s(full, full));
      v128.store32_lane(kept + <usize>(row + x), bytes, 0);
      const bits = i32x4.bitmask(full);
      if (bits !== 0) {
        if (lastKept < 0) firstKept = x + ctz(bits);
        lastKept = x + 31 - clz(bits);
      }
    }
    for (; x < x1; x++) {
      const full = load<f32>(values + <usize>((row + x) << 2)) >= least;
      store<u8>(kept + <usize>(row + x), full ? 255 : 0);
      if (full) {
        if (lastKept < 0) firstKept = x;
        lastKept = x;
      }
    }
    if (lastKept >= 0) {
      left = min(left, firstKept);
      right = max(right, lastKept + 1);
      if (top === y1) top = y;
      bottom = y + 1;
    }
  }
  store<i32>(box, left);
  store<i32>(box, top, 4);
  store<i32>(box, right, 8);
  store<i32>(box, bottom, 12);
}
