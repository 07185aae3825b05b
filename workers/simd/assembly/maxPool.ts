/**
 * The largest of each 2x2 window; at the right and lower edge windows are cut off.
 *
 * @param source f32 `[height, width, channels]`, channels a multiple of 4
 * @param stride from window to window, 1 or 2
 * @param out f32 `[ceil(height / stride), ceil(width / stride), channels]`
 */
export function maxPool(source: usize, width: i32, height: i32, channels: i32, stride: i32, out: usize): void {
  const pixel = (<usize>channels) << 2;
  let to = out;
  for (let y = 0; y < height; y += stride) {
    const upper = source + <usize>(y * width) * pixel;
    const lower = source + <usize>(min(y + 1, height - 1) * width) * pixel;
    for (let x = 0; x < width; x += stride) {
      const left = <usize>x * pixel;
      const right = <usize>min(x + 1, width - 1) * pixel;
      for (let channel: usize = 0; channel < pixel; channel += 16) {
        const a = f32x4.max(v128.load(upper + left + channel), v128.load(upper + right + channel));
        const b = f32x4.max(v128.load(lower + left + channel), v128.load(lower + right + channel));
        v128.store(to, f32x4.max(a, b));
        to += 16;
      }
    }
  }
}
