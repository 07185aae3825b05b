/**
 * A depthwise 3x3 convolution, zero-padded to the same size.
 *
 * @param source f32 `[height, width, channels]`; out the same
 * @param channels a multiple of 4
 * @param weights f32 `[3, 3, channels]`
 */
export function depthwiseLayer(
  source: usize,
  width: i32,
  height: i32,
  channels: i32,
  weights: usize,
  out: usize,
): void {
  const pixel = (<usize>channels) << 2;
  const rowBytes = pixel * <usize>width;
  let to = out;
  for (let y = 0; y < height; y++) {
    const top = max(y - 1, 0);
    const bottom = min(y + 1, height - 1);
    for (let x = 0; x < width; x++) {
      const left = max(x - 1, 0);
      const right = min(x + 1, width - 1);
      for (let channel: usize = 0; channel < pixel; channel += 16) {
        let sum = f32x4.splat(0);
        for (let v = top; v <= bottom; v++) {
          let from = source + <usize>v * rowBytes + <usize>left * pixel + channel;
          let weight = weights + <usize>(3 * (v - y + 1) + left - x + 1) * pixel + channel;
          for (let u = left; u <= right; u++) {
            sum = f32x4.add(sum, f32x4.mul(v128.load(from), v128.load(weight)));
            from += pixel;
            weight += pixel;
          }
        }
        v128.store(to, sum);
        to += 16;
      }
    }
  }
}
