import { describe, expect, it } from 'vitest';
import { type RecipeOptions, synthesiseFrom, trainingRecipe, validationRecipe } from '../../../workers/index.js';
import { resampleTarget } from '../../../workers/synthesis/stages/resampleTarget.js';
import { skin } from '../../../workers/synthesis/stages/skin.js';
import { compare } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const size = 104;
const stored = syntheticClip({ frames: 2, size });

/** How much neighbouring pixels differ about the middle of the face, in one frame. */
function roughness(pixels: Uint8Array, width: number): number {
  let sum = 0;
  for (let y = Math.round(width * 0.4); y < width * 0.6; y++)
    for (let x = Math.round(width * 0.4); x < width * 0.6; x++) {
      const at = (y * width + x) * 3;
      sum +=
        (4 * pixels[at]! - pixels[at - 3]! - pixels[at + 3]! - pixels[at - 3 * width]! - pixels[at + 3 * width]!) ** 2;
    }
  return sum;
}

describe('skin', () => {
  it('becomes smoother or rougher, in all frames by the same numbers', async () => {
    const rough = roughness(stored.pixels, size);
    for (const [amount, wanted] of [
      [1, 'smoother'],
      [-0.8, 'rougher'],
    ] as const) {
      const clip = clipOf(stored);
      expect(await applyStage(skin, clip, { prob: 1, amount: [amount, amount], contrast: [15, 15] })).toEqual({
        skin: 1,
      });
      const ratio = roughness(clip.target, size) / rough;
      if (wanted === 'smoother') expect(ratio).toBeLessThan(0.5);
      else expect(ratio).toBeGreaterThan(1.5);
    }
    const first = stored.pixels.slice(0, size * size * 3);
    const twice = clipOf({ ...stored, pixels: new Uint8Array(Buffer.concat([first, first])) });
    await applyStage(skin, twice, { prob: 1 });
    const { target, frameBytes } = twice;
    expect(target.subarray(0, frameBytes)).toEqual(target.subarray(frameBytes));
    expect(compare(target.subarray(0, frameBytes), first).share).toBeGreaterThan(0.2);
    const clip = clipOf(stored);
    expect(await applyStage(skin, clip, { prob: 0 })).toEqual({});
    expect(clip.target).toEqual(clipOf(stored).target);
  });
});

describe('resample_target', () => {
  it('keeps the source as it was, and landmarks on what they mark', async () => {
    const clip = clipOf(stored);
    // A white disc about a landmark.
    const [x0, y0] = [60.0, 50.0];
    clip.landmarks[0] = x0;
    clip.landmarks[1] = y0;
    for (let i = 0; i < size * size; i++) {
      const level = (i % size) - x0;
      const row = Math.floor(i / size) - y0;
      clip.target.fill(level ** 2 + row ** 2 < 36 ? 255 : 0, 3 * i, 3 * i + 3);
    }
    const before = clip.target.slice();
    await applyStage(resampleTarget, clip, { passes: 2, zoom: 0.1 }, 3);
    expect(clip.source).toEqual(before);
    expect(compare(clip.target, before).share).toBeGreaterThan(0);
    let [sum, sx, sy] = [0, 0, 0];
    for (let i = 0; i < size * size; i++) {
      const v = clip.target[3 * i]!;
      sum += v;
      sx += v * (i % size);
      sy += v * Math.floor(i / size);
    }
    expect(Math.hypot(clip.landmarks[0]! - x0, clip.landmarks[1]! - y0)).toBeGreaterThan(0.3);
    expect(sx / sum).toBeCloseTo(clip.landmarks[0]!, 1);
    expect(sy / sum).toBeCloseTo(clip.landmarks[1]!, 1);
  });

  it('brings nothing in from outside the picture', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const clip = clipOf(stored);
      clip.target.fill(200);
      await applyStage(resampleTarget, clip, { passes: 2, zoom: 0.05 }, seed);
      expect(clip.target.every((level) => level === 200)).toBe(true);
    }
  });

  it('takes from fakes that they are softer than their originals', async () => {
    const still = { rgb_shift_prob: 0, hsv_prob: 0, brightness_contrast_prob: 0, sharpness_prob: 0, jpeg_prob: 0 };
    const noPost = { post_rgb_shift_prob: 0, post_hsv_prob: 0, post_brightness_contrast_prob: 0 };
    const softer = async (resample_target: number) => {
      const options: RecipeOptions = {
        ...{ img_size: size, num_segments: 1, frames_per_segment: 1 },
        sbi: {
          ...{ ...still, ...noPost, resample_target, elastic_source: true, mask_ratios: [1], landmarks68_prob: 0 },
          ...{ final_margin: [8, 8] }, // the whole picture: cutting is no resampling
        },
      };
      let sum = 0;
      for (let position = 0; position < 24; position++) {
        const { bytes } = await synthesiseFrom(stored, { seed: 1, epoch: 0, position }, trainingRecipe(options));
        const half = bytes.length / 2;
        sum += Math.log(roughness(bytes.subarray(half), size) / roughness(bytes.subarray(0, half), size)) / 24;
      }
      return sum;
    };
    expect(await softer(0)).toBeLessThan(-0.5);
    expect(Math.abs(await softer(2))).toBeLessThan(0.2);
  });
});

it('the real member is softened or roughened with the fake, and only training does so', async () => {
  const options: RecipeOptions = {
    ...{ img_size: 64, num_segments: 1, frames_per_segment: 2 },
    sbi: { skin_prob: 1, skin_amount: [1, 1], resample_target: 1 },
  };
  const names = ({ stages }: ReturnType<typeof trainingRecipe>) => stages.map(({ stage }) => stage).slice(3, 7);
  expect(names(trainingRecipe(options))).toEqual(['margin_crop', 'skin', 'resample_target', 'mask']);
  expect(names(validationRecipe(options)).slice(0, 3)).toEqual(['resample_target', 'mask', 'affine']);
  const recipe = trainingRecipe(options);
  const { bytes, counters } = await synthesiseFrom(stored, { seed: 1, epoch: 0, position: 1 }, recipe);
  expect(counters).toMatchObject({ skin: 1 });
  const own = { ...options, sbi: { ...options.sbi, skin_prob: 0 } };
  const { bytes: rough } = await synthesiseFrom(stored, { seed: 1, epoch: 0, position: 1 }, trainingRecipe(own));
  for (const member of [0, 1]) {
    const half = (pixels: Uint8Array) =>
      pixels.subarray((member * pixels.length) / 2, ((member + 1) * pixels.length) / 2);
    expect(roughness(half(bytes), 64)).toBeLessThan(0.8 * roughness(half(rough), 64));
  }
});
