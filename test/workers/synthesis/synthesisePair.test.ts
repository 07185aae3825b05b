import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Recipe,
  RecipeError,
  type StageSpec,
  synthesiseFrom,
  synthesisePair,
  type TracedFrame,
  trainingRecipe,
  validationRecipe,
} from '../../../workers/index.js';
import { blend } from '../../../workers/synthesis/stages/blend.js';
import { finalCrop } from '../../../workers/synthesis/stages/finalCrop.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { postColour } from '../../../workers/synthesis/stages/postColour.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const stored = syntheticClip({ frames: 8, size: 72 });
const layout = { img_size: 64, num_segments: 2, frames_per_segment: 4 };
const recipe = trainingRecipe(layout);
const key = (position: number) => ({ seed: 3, epoch: 0, position });
const without = ({ stages }: Recipe, ...names: string[]): Recipe => ({
  stages: stages.filter(({ stage }) => !names.includes(stage)),
});
const changed = ({ stages }: Recipe, stage: string, params: StageSpec['params']): Recipe => ({
  stages: stages.map((spec) => (spec.stage === stage ? { stage, params: { ...spec.params, ...params } } : spec)),
});

async function traced(of: Recipe, position: number) {
  const frames: TracedFrame[] = [];
  const pair = await synthesiseFrom(stored, key(position), of, { frame: (picture) => frames.push(picture) });
  return { pair, frames };
}

const half = (bytes: Uint8Array, member: 0 | 1): Uint8Array =>
  bytes.subarray((member * bytes.length) / 2, ((member + 1) * bytes.length) / 2);
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('synthesisePair', () => {
  it('gives the same bytes for the same key, others for another', async () => {
    const first = await synthesiseFrom(stored, key(1), recipe);
    expect(first.shape).toEqual([8, 64, 64, 3]);
    expect(first.bytes.length).toBe(2 * 8 * 64 * 64 * 3);
    expect(Object.keys(first.stageMs)).toEqual(recipe.stages.map(({ stage }) => stage));
    expect(equal((await synthesiseFrom(stored, key(1), recipe)).bytes, first.bytes)).toBe(true);
    expect(equal((await synthesiseFrom(stored, key(2), recipe)).bytes, first.bytes)).toBe(false);
    const other = { ...stored, id: 'other' };
    expect(equal((await synthesiseFrom(other, key(1), recipe)).bytes, first.bytes)).toBe(false);
  });

  it('gives the bytes it has always given, in every version of Node', async () => {
    // Stored once; a change here changes every run. Kernels, hulls, masks and colours all show in these digests.
    const steady = { ...stored, landmarks: stored.landmarks.map((v) => Math.round(v * 64) / 64) };
    const digest = async (of: Recipe): Promise<string> => {
      const hash = createHash('sha256');
      for (let position = 0; position < 8; position++)
        hash.update((await synthesiseFrom(steady, key(position), of)).bytes);
      return hash.digest('hex').slice(0, 16);
    };
    expect(await digest(without(recipe, 'jpeg'))).toMatchInlineSnapshot(`"b2506e99acb51462"`);
    expect(await digest(trainingRecipe({ ...layout, difficulty: 'obvious' }))).toMatchInlineSnapshot(
      `"232388098b12b360"`,
    );
  });

  it('gives the same bytes when pairs are made at the same time, and never touches the stored clip', async () => {
    const before = stored.pixels.slice();
    const alone = await Promise.all([4, 5, 6].map(async (p) => (await synthesiseFrom(stored, key(p), recipe)).bytes));
    const together = await Promise.all([4, 5, 6, 4].map((p) => synthesiseFrom(stored, key(p), recipe)));
    [0, 1, 2, 0].forEach((place, i) => {
      expect(equal(together[i]!.bytes, alone[place]!)).toBe(true);
    });
    expect(equal(stored.pixels, before)).toBe(true);
  });

  it('is not changed by being traced', async () => {
    for (let position = 0; position < 12; position++) {
      const { pair, frames } = await traced(recipe, position);
      expect(equal(pair.bytes, (await synthesiseFrom(stored, key(position), recipe)).bytes)).toBe(true);
      expect(frames.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it('leaves real and fake equal outside the mask, and makes them differ inside', async () => {
    const uncut = without(recipe, 'jpeg', 'final_crop');
    for (let position = 0; position < 10; position++) {
      const { pair, frames } = await traced(uncut, position);
      const [T, H, W] = pair.shape;
      const [real, fake] = [half(pair.bytes, 0), half(pair.bytes, 1)];
      const histograms = [new Uint32Array(256), new Uint32Array(256)] as const;
      let [inside, outside] = [0, 0];
      for (let t = 0; t < T; t++) {
        const near = dilated(frames[t]!.mask, W, H, 2);
        for (let i = 0; i < W * H; i++) {
          const at = (t * W * H + i) * 3;
          const differ = real[at] !== fake[at] || real[at + 1] !== fake[at + 1] || real[at + 2] !== fake[at + 2];
          if (near[i]) inside += Number(differ);
          else outside += Number(differ);
          if (!near[i])
            [real, fake].forEach((member, m) => {
              const luminance = 0.299 * member[at]! + 0.587 * member[at + 1]! + 0.114 * member[at + 2]!;
              histograms[m]![Math.round(luminance)]!++;
            });
        }
      }
      expect(outside).toBe(0);
      expect(histograms[0]).toEqual(histograms[1]);
      expect(inside).toBeGreaterThan(100);
    }
  });

  it('never changes the real member when only the fake is made otherwise', async () => {
    const differing = new Array<number>(7).fill(0);
    for (let position = 0; position < 6; position++) {
      const plain = await synthesiseFrom(stored, key(position), recipe);
      for (const [variant, other] of [
        changed(recipe, 'mask', { types: ['facehull'] }),
        changed(recipe, 'affine', { translate_x: 0.2, scale_min: 0.8 }),
        changed(recipe, 'elastic', { alpha: 200 }),
        changed(recipe, 'drift', { step: [4, 4], max: 9 }),
        changed(recipe, 'soften', { kernel: [5, 5], sigma: [44, 45] }),
        changed(recipe, 'blend', { ratios: [0.9] }),
        without(recipe, 'affine', 'elastic', 'drift', 'soften'),
      ].entries()) {
        const pair = await synthesiseFrom(stored, key(position), other);
        expect(equal(half(pair.bytes, 0), half(plain.bytes, 0))).toBe(true);
        differing[variant]! += Number(!equal(half(pair.bytes, 1), half(plain.bytes, 1)));
      }
    }
    for (const count of differing) expect(count).toBeGreaterThan(3);
  });

  it('blends to the source where the mask is full, and mixes in between', async () => {
    const full = await traced(without(changed(recipe, 'blend', { ratios: [1] }), 'soften', 'drift'), 1);
    const soft = await traced(changed(recipe, 'blend', { ratios: [0.5] }), 1);
    const wrong: string[] = [];
    let seen = 0;
    for (const { frames, ratio } of [
      { frames: full.frames, ratio: 1 },
      { frames: soft.frames, ratio: 0.5 },
    ])
      for (const { index, mask: m, source, target, blend: mixed } of frames)
        for (let i = 0; i < mixed.length; i++) {
          const share = m[Math.floor(i / 3)]! / 255;
          // The traced mask is rounded to 8 bits, the blend truncated.
          const error = mixed[i]! - (share * source[i]! + (1 - share) * target[i]!);
          const slack = Math.abs(source[i]! - target[i]!) / 500 + 1e-4;
          if (share === 1) seen++;
          if ((share === 1 && mixed[i] !== source[i]) || error > slack || error <= -1 - slack || share > ratio + 0.002)
            wrong.push(`ratio ${ratio}, frame ${index}, byte ${i}: ${mixed[i]} is off by ${error}`);
        }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(1000);
  });

  it('transforms source or target, about equally often, and the real member is the transformed target', async () => {
    const short = without(recipe, 'flip', 'post_colour', 'jpeg', 'final_crop');
    let toSource = 0;
    for (let position = 0; position < 60; position++) {
      const { pair, frames } = await traced(short, position);
      expect(equal(half(pair.bytes, 0).subarray(0, frames[0]!.target.length), frames[0]!.target)).toBe(true);
      toSource += pair.counters.source_transformed ?? 0;
      expect((pair.counters.source_transformed ?? 0) + (pair.counters.target_transformed ?? 0)).toBe(1);
    }
    expect(Math.abs(toSource / 60 - 0.5)).toBeLessThan(0.2);
  });

  it('recolours and cuts the fake alike whether it knows where the members differ or not', async () => {
    for (const known of [true, false]) {
      const make = async (forget: boolean) => {
        const clip = clipOf(stored);
        await applyStage(mask, clip);
        clip.source = clip.target.map((v) => 255 - v);
        await applyStage(blend, clip, { ratios: [1] });
        if (forget) clip.difference = null;
        await applyStage(postColour, clip, { rgb_shift_prob: 1, hsv_prob: 1, brightness_contrast_prob: 1 });
        if (forget && known) clip.difference = null;
        await applyStage(finalCrop, clip, { size: 50 });
        return clip.pair!.bytes;
      };
      expect(equal(await make(true), await make(false))).toBe(true);
    }
  });

  it('makes validation pairs without flip, recolouring or compression, cut evenly', async () => {
    const { stages } = validationRecipe({ ...layout, sbi: { final_margin_eval: 0.4 } });
    const names = stages.map(({ stage }) => stage);
    expect(names).not.toContain('flip');
    expect(names).not.toContain('post_colour');
    expect(names).not.toContain('jpeg');
    expect(stages.at(-1)).toEqual({ stage: 'final_crop', params: { size: 64, margin: [0.4, 0.4] } });
    const pair = await synthesiseFrom(stored, { seed: 3, epoch: -1, position: 0 }, { stages });
    expect(pair.counters).not.toHaveProperty('flipped');
  });

  it('makes obvious fakes obvious: a hard edge and a strong shift', async () => {
    const obvious = trainingRecipe({
      ...layout,
      difficulty: 'obvious',
      sbi: { flip_prob: 0, obvious_shift: [40, 80] },
    });
    for (let position = 0; position < 8; position++) {
      const { pair, frames } = await traced(without(obvious, 'final_crop'), position);
      for (const { mask: m, target, blend: mixed } of frames) {
        expect(m.every((v) => v === 0 || v === 255)).toBe(true);
        expect(m.some((v) => v === 255)).toBe(true);
        const asMeant = (level: number, i: number): boolean => {
          const difference = Math.abs(level - target[i]!);
          return m[Math.floor(i / 3)] === 0 ? difference === 0 : level === 0 || level === 255 || difference >= 39;
        };
        expect(mixed.every(asMeant)).toBe(true);
      }
      expect(pair.counters).not.toHaveProperty('jpeg');
    }
  });

  it('takes 68 landmarks too', async () => {
    const pair = await synthesiseFrom(syntheticClip({ points: 68, size: 72 }), key(0), recipe);
    expect(pair.shape).toEqual([8, 64, 64, 3]);
  });

  it('names clip and stage when a sample cannot be made', async () => {
    const away = { ...stored, landmarks: stored.landmarks.map((v) => v + 400) };
    await expect(synthesiseFrom(away, key(0), recipe)).rejects.toMatchObject({
      name: 'SampleError',
      clip: 'synthetic',
      stage: 'margin_crop',
      reason: expect.stringContaining('expected landmarks inside the 72x72 picture but the face lies at x'),
    });
    const short = trainingRecipe({ ...layout, num_segments: 3 });
    await expect(synthesiseFrom(stored, key(0), short)).rejects.toThrow(
      "synthetic: select_frames: expected 3 runs of 4 contiguous frames but the clip's runs have 8 frames",
    );
  });

  it('refuses recipes with unknown stages or parameters, or in an order that cannot work', async () => {
    const refuse = (stages: StageSpec[]) => expect(synthesiseFrom(stored, key(0), { stages })).rejects;
    await refuse([{ stage: 'warp', params: {} }]).toThrow("unknown stage 'warp'; expected one of: select_frames");
    await refuse([{ stage: 'jpeg', params: { qualty: [1, 2] } }]).toThrow(
      "jpeg: unknown parameter 'qualty'; expected one of: prob, quality",
    );
    await refuse([{ stage: 'jpeg', params: { prob: '0.5' } }]).toThrow(
      'jpeg: Expected number for prob but received "0.5" of type string',
    );
    await refuse([{ stage: 'jpeg', params: { quality: [40, 'x'] } }]).toThrow('Expected list of number for quality');
    await refuse([{ stage: 'affine', params: {} }]).toThrow(RecipeError);
    await refuse([{ stage: 'mask', params: {} }]).toThrow('Expected a recipe with a blend stage');
    await refuse([...recipe.stages.slice(4, 12), recipe.stages[2]!, { stage: 'flip', params: { prob: 1 } }]).toThrow(
      'has to come before every stage that works on pixels',
    );
  });
});

const shared = process.env.STF_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const crops = join(shared, 'crops');

describe.skipIf(!existsSync(crops))('synthesisePair on real crops (skipped where the shared crops are missing)', () => {
  it('makes 32-frame pairs at 224 that differ in the face alone', async () => {
    const sizes = { img_size: 224, num_segments: 4, frames_per_segment: 8 };
    for (const [position, id] of ['hdtf_aoc', 'lp_d6', 'dfl_Keanu_Reeves_1'].entries()) {
      const source = { id, crops: join(crops, `${id}_crops.npz`), landmarks: join(crops, `${id}_landmarks.npz`) };
      const task = { source, key: { seed: 1, epoch: -1, position }, recipe: validationRecipe(sizes) };
      const pair = await synthesisePair(task);
      expect(pair.shape).toEqual([32, 224, 224, 3]);
      const frame = 224 * 224 * 3;
      for (const t of [0, 13, 31]) {
        let [corner, face] = [0, 0];
        for (let y = 0; y < 224; y++)
          for (let x = 0; x < 224; x++) {
            const i = t * frame + (y * 224 + x) * 3;
            const difference = Math.abs(pair.bytes[i]! - pair.bytes[32 * frame + i]!);
            if (x < 12 && y < 12) corner += difference;
            if (x > 90 && x < 134 && y > 90 && y < 134) face += difference;
          }
        expect(corner).toBe(0);
        expect(face).toBeGreaterThan(100);
      }
      expect(equal(pair.bytes, (await synthesisePair(task)).bytes)).toBe(true);
    }
  });
});

/** 1 within `radius` pixels (square) of any non-zero mask value. */
function dilated(values: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) {
    if (!values[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++)
      out.fill(1, v * width + Math.max(0, x - radius), v * width + Math.min(width - 1, x + radius) + 1);
  }
  return out;
}
