/**
 * The guided filter of each channel by itself (He, Sun and Tang, 2013): smooths what varies less than `contrast` within a
 * window and keeps edges that are higher, as the skin filters of cameras do.
 *
 * @param frame `[height, width, 3]` from `offset`, replaced by `frame + amount (filtered − frame)`, rounded; a negative
 *   `amount` makes fine texture stronger
 * @param radius pixels to either side of a window's middle; windows are cut at the borders
 * @param contrast 8-bit levels
 */
export function guidedFilter(
  frame: Uint8Array,
  offset: number,
  width: number,
  height: number,
  radius: number,
  contrast: number,
  amount: number,
): void {
  const size = width * height;
  const [level, square, slope, rest] = Array.from({ length: 4 }, () => new Float32Array(size)) as [
    ...[Float32Array, Float32Array, Float32Array, Float32Array],
  ];
  const room = new Float32Array(size);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < size; i++) {
      level[i] = frame[offset + 3 * i + channel]!;
      square[i] = level[i]! ** 2;
    }
    slope.set(level);
    boxMean(slope, room, width, height, radius);
    boxMean(square, room, width, height, radius);
    for (let i = 0; i < size; i++) {
      const mean = slope[i]!;
      const variance = Math.max(0, square[i]! - mean ** 2);
      slope[i] = variance / (variance + contrast ** 2);
      rest[i] = (1 - slope[i]!) * mean;
    }
    boxMean(slope, room, width, height, radius);
    boxMean(rest, room, width, height, radius);
    for (let i = 0; i < size; i++) {
      const value = level[i]! + amount * (slope[i]! * level[i]! + rest[i]! - level[i]!);
      frame[offset + 3 * i + channel] = Math.min(255, Math.max(0, Math.floor(value + 0.5)));
    }
  }
}

/** Replaces each number by the mean of the window of `2 radius + 1` about it, along either axis in turn. */
function boxMean(values: Float32Array, room: Float32Array, width: number, height: number, radius: number): void {
  for (let y = 0; y < height; y++) meanAlong(values, room, y * width, 1, width, radius);
  for (let x = 0; x < width; x++) meanAlong(room, values, x, width, height, radius);
}

function meanAlong(
  from: Float32Array,
  to: Float32Array,
  first: number,
  step: number,
  length: number,
  radius: number,
): void {
  let sum = 0; // of whole levels or numbers near them: doubles lose nothing that matters over a row
  for (let i = 0; i < Math.min(radius, length); i++) sum += from[first + i * step]!;
  for (let i = 0; i < length; i++) {
    if (i + radius < length) sum += from[first + (i + radius) * step]!;
    if (i - radius - 1 >= 0) sum -= from[first + (i - radius - 1) * step]!;
    to[first + i * step] = sum / (Math.min(length - 1, i + radius) - Math.max(0, i - radius) + 1);
  }
}
