/** The largest value of a box of a float picture, 0 if all are below. */
export function largest(values: usize, width: i32, x0: i32, y0: i32, x1: i32, y1: i32): f32 {
  let most4 = f32x4.splat(0);
  let most: f32 = 0;
  for (let y = y0; y < y1; y++) {
    let at = values + <usize>((y * width + x0) << 2);
    const end = values + <usize>((y * width + x1) << 2);
    for (; at + 16 <= end; at += 16) most4 = f32x4.max(most4, v128.load(at));
    for (; at < end; at += 4) most = max(most, load<f32>(at));
  }
  most = max(most, max(f32x4.extract_lane(most4, 0), f32x4.extract_lane(most4, 1)));
  return max(most, max(f32x4.extract_lane(most4, 2), f32x4.extract_lane(most4, 3)));
}
