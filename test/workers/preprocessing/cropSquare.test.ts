import { describe, expect, it } from 'vitest';
import { shrinkPicture } from '../../../workers/faces/shrinkPicture.js';
import { cropSquare } from '../../../workers/preprocessing/cropSquare.js';
import { runPlan } from '../../../workers/preprocessing/runPlan.js';
import { coarseBrightness, sceneCut } from '../../../workers/video/sceneCut.js';

const picture = (width: number, height: number, level: (x: number, y: number) => number) => {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (const shift of [0, 10, 20]) data[i++] = level(x, y) + shift;
  return { data, width, height };
};
const crop = (of: ReturnType<typeof picture>, x: number, y: number, side: number, size: number) => {
  const out = new Uint8Array(size * size * 3);
  cropSquare(of, { x, y, side }, size, out);
  return out;
};

describe('cropSquare', () => {
  const slope = picture(60, 50, (x, y) => 2 * x + y);

  it('copies where nothing is scaled', () => {
    const out = crop(slope, 7, 5, 20, 20);
    for (let y = 0; y < 20; y++) for (let x = 0; x < 20; x++) expect(out[3 * (y * 20 + x)]).toBe(2 * (x + 7) + y + 5);
  });

  it.each([
    [32, 16],
    [40, 15],
    [12, 36],
  ])('keeps a slope a slope: %i pixels to %i', (side, size) => {
    const out = crop(slope, 6, 4, side, size);
    const scale = side / size;
    for (let y = 2; y < size - 2; y++)
      for (let x = 2; x < size - 2; x++) {
        const level = 2 * (6 + (x + 0.5) * scale - 0.5) + 4 + (y + 0.5) * scale - 0.5;
        expect(Math.abs(out[3 * (y * size + x)]! - level)).toBeLessThanOrEqual(0.51);
      }
  });

  it('does not alias: a fine chequer becomes grey', () => {
    const chequer = picture(64, 64, (x, y) => ((x + y) % 2) * 200);
    for (const level of crop(chequer, 8, 8, 48, 12).filter((_, i) => i % 3 === 0))
      expect(Math.abs(level - 100)).toBeLessThan(3);
  });

  it('repeats the edge beyond the picture', () => {
    const out = crop(slope, -10, 0, 20, 20);
    expect([...out.subarray(0, 9)]).toEqual([0, 10, 20, 0, 10, 20, 0, 10, 20]);
  });
});

describe('shrinkPicture', () => {
  it('takes means', () => {
    const small = shrinkPicture(
      picture(6, 4, (x, y) => 10 * x + 20 * y),
      3,
      2,
    );
    expect([...small.data.filter((_, i) => i % 3 === 0)]).toEqual([15, 35, 55, 55, 75, 95]);
  });
});

describe('sceneCut', () => {
  const frames = (levels: number[]) => levels.map((level) => coarseBrightness(picture(48, 32, (x) => level + x)));

  it('is found where the picture changes at once', () => {
    expect(sceneCut(frames([20, 21, 20, 22, 90, 91, 90, 92]))).toBe(4);
    expect(sceneCut(frames([90, 20, 21, 20, 22, 21]))).toBe(1);
  });

  it('is not a slow change, a flicker, or a camera that moves all the time', () => {
    expect(sceneCut(frames([20, 25, 30, 35, 40, 45, 50]))).toBe(-1);
    expect(sceneCut(frames([20, 28, 20, 28, 20, 28]))).toBe(-1);
    expect(sceneCut(frames([20, 45, 70, 95, 120, 145]))).toBe(-1);
  });
});

describe('runPlan', () => {
  it('spreads runs that do not overlap, whatever there is room for', () => {
    for (const [frames, runs, length] of [
      [152, 4, 16],
      [64, 4, 16],
      [60, 4, 16],
      [16, 4, 16],
      [10_000, 3, 8],
    ] as const) {
      const [first] = runPlan(frames, [0], runs, length);
      expect(first!.length).toBe(Math.min(runs, Math.floor((frames + 1) / (length + 1))));
      first!.forEach((start, i) => {
        expect(start).toBeGreaterThanOrEqual(i === 0 ? 0 : first![i - 1]! + length + 1);
        expect(start + length).toBeLessThanOrEqual(frames);
      });
    }
    expect(runPlan(15, [0], 4, 16)).toEqual([]);
  });

  it('begins at keyframes within reach', () => {
    expect(runPlan(400, [0, 50, 155, 250, 340], 4, 16)[0]).toEqual([50, 155, 250, 340]);
  });
});
