import { expect, it } from 'vitest';
import { type RecipeOptions, synthesiseFrom, trainingRecipe } from '../../../workers/index.js';
import { postBlur } from '../../../workers/synthesis/stages/postBlur.js';
import { compare } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const stored = syntheticClip({ frames: 8, size: 104 });
const key = (position: number) => ({ seed: 3, epoch: 0, position });
const still = { rgb_shift_prob: 0, hsv_prob: 0, brightness_contrast_prob: 0, jpeg_prob: 0 };
const noPost = { post_rgb_shift_prob: 0, post_hsv_prob: 0, post_brightness_contrast_prob: 0 };
const options = (sbi: RecipeOptions['sbi']): RecipeOptions => ({
  ...{ img_size: 64, num_segments: 1, frames_per_segment: 4 },
  sbi: { ...still, ...noPost, landmarks68_prob: 0, mask_ratios: [1], ...sbi },
});

it('as in footage, is made where the mask shows it as if it were made everywhere', async () => {
  for (let position = 0; position < 12; position++) {
    const recipe = trainingRecipe(options({ focus: 'footage', blur_sigma: [1, 4], source_transform_prob: 1 }));
    const { bytes } = await synthesiseFrom(stored, key(position), recipe);
    // To be drawn, the source is made whole.
    const traced = await synthesiseFrom(stored, key(position), recipe, { frame: () => {} });
    expect(bytes).toEqual(traced.bytes);
  }
});

it('as in footage, leaves brightness alone, which the published kernel does not', async () => {
  const meanChange = async (focus: 'published' | 'footage') => {
    let change = 0;
    for (let position = 0; position < 6; position++) {
      const recipe = trainingRecipe(
        options({ focus, downscale_prob: 0, source_transform_prob: 1, translate_x: 0, translate_y: 0, scale_min: 1 }),
      );
      const { bytes } = await synthesiseFrom(stored, key(position), recipe);
      const sum = (member: Uint8Array) => member.reduce((total, value) => total + value, 0) / member.length;
      const half = bytes.length / 2;
      change += Math.abs(sum(bytes.subarray(half)) - sum(bytes.subarray(0, half))) / 6;
    }
    return change;
  };
  expect(await meanChange('footage')).toBeLessThan(0.5);
  expect(await meanChange('published')).toBeGreaterThan(2);
});

it('softens both members alike, and they still differ only where they are said to', async () => {
  const clip = clipOf(stored);
  const real = clip.target;
  clip.fake = real.slice();
  const { width, height, frameBytes, frames } = clip;
  const box = { x0: 30, y0: 40, x1: 52, y1: 60 };
  for (let y = box.y0; y < box.y1; y++) clip.fake.fill(200, (y * width + box.x0) * 3, (y * width + box.x1) * 3); // in the first frame
  clip.difference = Array.from({ length: frames }, (_, t) => (t === 0 ? box : { x0: 0, y0: 0, x1: 0, y1: 0 }));
  const before = real.slice();
  const unaware = clipOf(stored); // of where the members differ: each is softened whole
  unaware.fake = clip.fake.slice();
  await applyStage(postBlur, unaware, { prob: 1, sigma: [2, 2] });
  const counters = await applyStage(postBlur, clip, { prob: 1, sigma: [2, 2] });
  expect(counters).toEqual({ post_blur: 1 });
  expect(compare(clip.target, before).share).toBeGreaterThan(0.1);
  expect(clip.target).toEqual(unaware.target);
  expect(clip.fake).toEqual(unaware.fake);
  const [grown] = clip.difference;
  expect(grown!.x0).toBeLessThan(box.x0);
  let differ = 0;
  for (let i = 0; i < clip.fake.length; i++) {
    if (clip.fake[i] === clip.target[i]) continue;
    differ++;
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width) % height];
    expect(i).toBeLessThan(frameBytes);
    expect(x >= grown!.x0 && x < grown!.x1 && y >= grown!.y0 && y < grown!.y1).toBe(true);
  }
  expect(differ).toBeGreaterThan((box.x1 - box.x0) * (box.y1 - box.y0) * 3);
  expect(await applyStage(postBlur, clip, { prob: 0 })).toEqual({});
});
