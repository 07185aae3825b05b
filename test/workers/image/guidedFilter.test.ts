import { expect, it } from 'vitest';
import { guidedFilter } from '../../../workers/image/guidedFilter.js';
import { reference, referenceBytes } from '../reference.js';

const noise = referenceBytes('noise');
const [H, W] = reference('noise').shape as [number, number];

/** Mean over the window about (x, y), cut at the borders. */
function windowMean(values: Float64Array, x: number, y: number, radius: number): number {
  let [sum, count] = [0, 0];
  for (let v = Math.max(0, y - radius); v <= Math.min(H - 1, y + radius); v++)
    for (let u = Math.max(0, x - radius); u <= Math.min(W - 1, x + radius); u++) {
      sum += values[v * W + u]!;
      count++;
    }
  return sum / count;
}

/** Algorithm 1 of He, Sun and Tang (2013) with the picture for a guide, window by window. */
function slowly(channel: Float64Array, radius: number, contrast: number): Float64Array {
  const means = (values: Float64Array) => values.map((_, i) => windowMean(values, i % W, Math.floor(i / W), radius));
  const mean = means(channel);
  const variance = means(channel.map((v) => v * v)).map((square, i) => square - mean[i]! ** 2);
  const slope = variance.map((v) => v / (v + contrast ** 2));
  const [slopes, rests] = [means(slope), means(mean.map((m, i) => (1 - slope[i]!) * m))];
  return channel.map((v, i) => slopes[i]! * v + rests[i]!);
}

it.each([
  [2, 30, 1],
  [3, 80, 0.6],
  [1, 20, -0.8],
  [40, 60, 1],
])('is the filter of the paper: radius %i, contrast %i, amount %f', (radius, contrast, amount) => {
  const frames = new Uint8Array(2 * noise.length);
  frames.set(noise, noise.length);
  guidedFilter(frames, noise.length, W, H, radius, contrast, amount);
  expect(frames.subarray(0, noise.length).every((v) => v === 0)).toBe(true);
  for (let c = 0; c < 3; c++) {
    const channel = Float64Array.from({ length: W * H }, (_, i) => noise[3 * i + c]!);
    const filtered = slowly(channel, radius, contrast);
    for (let i = 0; i < W * H; i++) {
      const want = Math.min(255, Math.max(0, channel[i]! + amount * (filtered[i]! - channel[i]!)));
      expect(Math.abs(frames[noise.length + 3 * i + c]! - want)).toBeLessThan(0.51);
    }
  }
});

it('takes fine texture away and keeps an edge', () => {
  const picture = Uint8Array.from({ length: W * H * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % W;
    return (x < W / 2 ? 60 : 180) + (Math.floor(i / 3) % 3 === 0 ? 4 : -2);
  });
  guidedFilter(picture, 0, W, H, 3, 15, 1);
  const at = (x: number) => picture[(Math.floor(H / 2) * W + x) * 3]!;
  const flat = Array.from({ length: 5 }, (_, i) => at(2 + i));
  expect(Math.max(...flat) - Math.min(...flat)).toBeLessThanOrEqual(2); // where it was 6
  expect(at(Math.ceil(W / 2)) - at(Math.ceil(W / 2) - 1)).toBeGreaterThan(100);
});
