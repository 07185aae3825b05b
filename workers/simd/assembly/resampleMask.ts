/**
 * Bilinear resampling of a float mask: rows mixed first, then columns gathered. Where both taps hold 1 the result is
 * exactly `factor`, if the weights of the taps add up to 1 in single precision.
 *
 * @param mixed scratch, f32 `[sourceWidth + 4]`
 */
export function resampleMask(
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
  factor: f32,
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
  const origin = mixed - ((<usize>first) << 2);
  for (let y = y0; y < y1; y++) {
    const row = (<usize>y) << 2;
    const upperWeight = v128.load32_splat(rowLowWeight + row);
    const lowerWeight = v128.load32_splat(rowHighWeight + row);
    let a = source + <usize>((load<i32>(rowLow + row) * sourceWidth + first) << 2);
    let b = source + <usize>((load<i32>(rowHigh + row) * sourceWidth + first) << 2);
    let out = mixed;
    const stop = mixed + <usize>((end - first) << 2);
    while (out < stop) {
      v128.store(out, f32x4.add(f32x4.mul(v128.load(a), upperWeight), f32x4.mul(v128.load(b), lowerWeight)));
      a += 16;
      b += 16;
      out += 16;
    }
    out = target + <usize>((y * targetWidth + x0) << 2);
    const lastTap = (<usize>x1) << 2;
    for (let tap = (<usize>x0) << 2; tap < lastTap; tap += 4) {
      const low = load<f32>(origin + ((<usize>load<i32>(columnLow + tap)) << 2));
      const high = load<f32>(origin + ((<usize>load<i32>(columnHigh + tap)) << 2));
      store<f32>(out, (low * load<f32>(columnLowWeight + tap) + high * load<f32>(columnHighWeight + tap)) * factor);
      out += 4;
    }
  }
}
