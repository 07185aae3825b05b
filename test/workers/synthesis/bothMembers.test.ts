import { expect, it } from 'vitest';
import { type RecipeOptions, synthesiseFrom, trainingRecipe } from '../../../workers/index.js';
import { postNoise } from '../../../workers/synthesis/stages/postNoise.js';
import { rescale } from '../../../workers/synthesis/stages/rescale.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const size = 120;
const stored = syntheticClip({ frames: 2, size });
const key = (position: number) => ({ seed: 3, epoch: 0, position });

/** A clip whose members differ inside a box of the first frame. */
function blended() {
  const clip = clipOf(stored);
  clip.fake = clip.target.slice();
  for (let y = 40; y < 60; y++) clip.fake.fill(200, (y * size + 30) * 3, (y * size + 52) * 3);
  return clip;
}

it('rescale leaves the mean of a picture, and a plane what it was at the smaller size', async () => {
  const clip = blended();
  const level = (x: number, y: number) => 20 + 0.9 * x + 0.7 * y;
  for (let i = 0; i < clip.target.length; i++)
    clip.target[i] = Math.round(level(Math.floor(i / 3) % size, Math.floor(i / 3 / size) % size));
  const { landmarks } = clip;
  const nose = [landmarks[60]!, landmarks[61]!] as const;
  expect(await applyStage(rescale, clip, { prob: 1, factor: [0.62, 0.62] })).toEqual({ rescale: 1 });
  const { width, height, target } = clip;
  expect([width, height, target.length]).toEqual([74, 74, 2 * 74 * 74 * 3]);
  const scale = 74 / size;
  for (let y = 4; y < height - 4; y++)
    for (let x = 4; x < width - 4; x++) {
      const expected = level((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5);
      expect(Math.abs(target[(y * width + x) * 3]! - expected)).toBeLessThan(1.6);
    }
  // The landmarks stay on what they mark.
  expect(landmarks[60]).toBeCloseTo((nose[0] + 0.5) * scale - 0.5, 10);
  expect(landmarks[61]).toBeCloseTo((nose[1] + 0.5) * scale - 0.5, 10);
});

it('rescale takes away what the smaller picture cannot hold, instead of turning it into stairs', async () => {
  const clip = blended();
  // Columns of two pixels, 0 and 255: beyond what half the size can show.
  for (let i = 0; i < clip.target.length; i++) clip.target[i] = Math.floor(i / 3) % 2 === 0 ? 0 : 255;
  await applyStage(rescale, clip, { prob: 1, factor: [0.6, 0.6] });
  const { width, target } = clip;
  for (let x = 5; x < width - 5; x++) expect(Math.abs(target[(20 * width + x) * 3]! - 127.5)).toBeLessThan(70);
});

it('rescale treats both members alike, and spares small pictures', async () => {
  const clip = blended();
  const alone = clipOf(stored);
  alone.fake = alone.target.slice();
  alone.target = blended().fake!; // the members exchanged
  await applyStage(rescale, clip, { prob: 1, factor: [0.7, 0.7] });
  await applyStage(rescale, alone, { prob: 1, factor: [0.7, 0.7] });
  expect(clip.fake).toEqual(alone.target);
  expect(clip.target).toEqual(alone.fake);
  expect(clip.fake).not.toEqual(clip.target);
  const small = blended();
  await applyStage(rescale, small, { prob: 1, factor: [0.01, 0.02] });
  expect([small.width, small.height]).toEqual([72, 72]);
  const untouched = blended();
  expect(await applyStage(rescale, untouched, { prob: 0 })).toEqual({});
  expect(untouched.width).toBe(size);
});

it('noise has the deviation it should have, is the same in both members and another one in each frame', async () => {
  const clip = blended();
  clip.target.fill(128);
  clip.fake!.fill(100);
  expect(await applyStage(postNoise, clip, { prob: 1, sigma: [4, 4] })).toEqual({ post_noise: 1 });
  const noise = Float64Array.from(clip.target, (level) => level - 128);
  expect(Float64Array.from(clip.fake!, (level) => level - 100)).toEqual(noise);
  const mean = noise.reduce((sum, value) => sum + value) / noise.length;
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
  expect(Math.abs(mean)).toBeLessThan(0.25);
  expect(Math.abs(deviation - Math.sqrt(16 + 1 / 12))).toBeLessThan(0.2);
  const [first, second] = [noise.subarray(0, noise.length / 2), noise.subarray(noise.length / 2)];
  let product = 0;
  for (let i = 0; i < first.length; i++) product += first[i]! * second[i]!;
  expect(Math.abs(product / first.length)).toBeLessThan(0.5);
  const bright = blended();
  bright.target.fill(255);
  await applyStage(postNoise, bright, { prob: 1, sigma: [50, 50] });
  expect(bright.target.some((level) => level === 255)).toBe(true);
  expect(bright.target.every((level) => level > 30)).toBe(true); // none wrapped around
});

const options: RecipeOptions = {
  ...{ img_size: 64, num_segments: 1, frames_per_segment: 2 },
  sbi: {
    ...{ post_rescale_prob: 1, post_noise_prob: 1, elastic_source: true, framing: 'square', landmarks68_prob: 0 },
    ...{ mask_ratios: [1], elastic_alpha: 200, jpeg_prob: 0.5 },
  },
};

it('a bent source is made where the mask shows it as if it were made everywhere', async () => {
  for (let position = 0; position < 8; position++) {
    const { bytes } = await synthesiseFrom(stored, key(position), trainingRecipe(options));
    const traced = await synthesiseFrom(stored, key(position), trainingRecipe(options), { frame: () => {} });
    expect(bytes).toEqual(traced.bytes);
  }
});

it('bending the source changes the fake and never the real member', async () => {
  const straight = { ...options, sbi: { ...options.sbi, elastic_source: false } };
  for (let position = 0; position < 4; position++) {
    const [bent, plain] = [
      await synthesiseFrom(stored, key(position), trainingRecipe(options)),
      await synthesiseFrom(stored, key(position), trainingRecipe(straight)),
    ];
    const half = bent.bytes.length / 2;
    expect(bent.bytes.subarray(0, half)).toEqual(plain.bytes.subarray(0, half));
    expect(bent.bytes.subarray(half)).not.toEqual(plain.bytes.subarray(half));
  }
});
