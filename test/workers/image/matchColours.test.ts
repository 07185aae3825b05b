import { describe, expect, it } from 'vitest';
import { matchColours } from '../../../workers/image/matchColours.js';
import { keyedGenerator } from '../../../workers/index.js';
import { compare } from '../reference.js';

const N = 4000;
const random = keyedGenerator('colours');
/** Pixels about a level for each channel, spread evenly by so much to either side. */
const pixels = (levels: number[], by: number[]): Uint8Array =>
  Uint8Array.from({ length: N * 3 }, (_, i) =>
    random.integer(levels[i % 3]! - by[i % 3]!, levels[i % 3]! + by[i % 3]!),
  );
/** Mean and standard deviation of one channel where the mask is not 0, in two passes. */
function moments(rgb: Uint8Array, mask: Uint8Array, channel: number): [number, number] {
  const inside = [...mask.keys()].filter((i) => mask[i] !== 0).map((i) => rgb[3 * i + channel]!);
  const mean = inside.reduce((sum, v) => sum + v, 0) / inside.length;
  return [mean, Math.sqrt(inside.reduce((sum, v) => sum + (v - mean) ** 2, 0) / inside.length)];
}
const every = new Uint8Array(N).fill(255);
const half = Uint8Array.from({ length: N }, (_, i) => (i % 2 === 0 ? 0 : 1 + (i % 255)));

describe('matchColours', () => {
  it('gives every channel the mean and deviation of the other inside the mask', () => {
    const own = pixels([80, 120, 150], [30, 20, 25]);
    const like = pixels([140, 90, 130], [20, 30, 40]);
    // What lies outside the mask is not counted, but changed alike.
    for (let i = 0; i < N; i += 2) own[3 * i] = 10;
    const before = own.slice();
    matchColours(own, like, half);
    for (const channel of [0, 1, 2]) {
      const [mean, deviation] = moments(own, half, channel);
      const [wantedMean, wantedDeviation] = moments(like, half, channel);
      expect(Math.abs(mean - wantedMean)).toBeLessThan(0.1);
      expect(Math.abs(deviation - wantedDeviation)).toBeLessThan(0.1);
      const [ownMean, ownDeviation] = moments(before, half, channel);
      const exact = before.filter((_, i) => i % 3 === channel);
      const scaled = Float64Array.from(exact, (v) => ((v - ownMean) * wantedDeviation) / ownDeviation + wantedMean);
      const made = own.filter((_, i) => i % 3 === channel);
      expect(
        compare(
          made,
          scaled.map((v) => Math.max(0, v)),
        ).most,
      ).toBeLessThanOrEqual(0.5 + 1e-6);
    }
  });

  it('scales by no less than a half and no more than 2', () => {
    const own = pixels([128, 128, 128], [10, 40, 10]);
    const like = pixels([120, 120, 120], [60, 5, 15]);
    const before = own.slice();
    matchColours(own, like, every);
    for (const [channel, ratio] of [2, 0.5, moments(like, every, 2)[1] / moments(before, every, 2)[1]].entries()) {
      expect(moments(own, every, channel)[1] / moments(before, every, channel)[1]).toBeCloseTo(ratio, 1);
      expect(Math.abs(moments(own, every, channel)[0] - moments(like, every, channel)[0])).toBeLessThan(0.51);
    }
  });

  it('shifts flat pictures, keeps within 8 bits, and leaves all as it is where nothing is counted', () => {
    const flat = new Uint8Array(N * 3).fill(60);
    matchColours(flat, new Uint8Array(N * 3).fill(200), every);
    expect(flat.every((level) => level === 200)).toBe(true);
    const own = pixels([128, 128, 128], [100, 100, 100]);
    matchColours(own, new Uint8Array(N * 3).fill(250), every);
    expect(Math.max(...own)).toBe(255);
    expect(Math.min(...own)).toBeGreaterThan(190);
    const uncounted = own.slice();
    matchColours(uncounted, flat, new Uint8Array(N));
    expect(uncounted).toEqual(own);
  });
});
