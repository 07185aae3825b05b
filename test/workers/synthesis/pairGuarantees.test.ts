import { describe, expect, it } from 'vitest';
import { joinPairs } from '../../../pipeline/training/microBatch.js';
import { laplacianReach } from '../../../workers/image/laplacianBlend.js';
import {
  keyedGenerator,
  type Recipe,
  type RecipeOptions,
  type StageSpec,
  type SynthesisTrace,
  synthesiseFrom,
  type TracedFrame,
  trainingRecipe,
} from '../../../workers/index.js';
import { blend } from '../../../workers/synthesis/stages/blend.js';
import { drift } from '../../../workers/synthesis/stages/drift.js';
import { DRIFT_PROFILES, drawStep, multiScalePath } from '../../../workers/synthesis/stages/driftPath.js';
import { flip } from '../../../workers/synthesis/stages/flip.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { tps } from '../../../workers/synthesis/stages/tps.js';
import { compare } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';
import { heldDonor, movedFace } from './heldDonor.js';

// Every augmentation at once. Short pyramids, so that their reach leaves a part of these small pictures alone.
const LEVELS = 3;
const everything: RecipeOptions = {
  img_size: 64,
  num_segments: 2,
  frames_per_segment: 4,
  use_compression_aug: true,
  codec: 'jpeg',
  use_multiscale_drift: true,
  tps_prob: 0.7,
  vfr_prob: 0.5,
  blend_weights: { alpha: 1, poisson: 1, laplacian: 1 },
  sbi: {
    laplacian_levels: LEVELS,
    mask_types: ['hull', 'dfl_full', 'components', 'extended', 'facehull', 'inner', 'lower', 'mouth'],
    skin_prob: 0.5,
    resample_target: 2,
    exchange_prob: 0.5,
    elastic_source: true,
    post_rescale_prob: 0.5,
    post_blur_prob: 0.5,
    post_noise_prob: 0.5,
    framing: 'square',
  },
};
const recipe = trainingRecipe(everything);
const stored = syntheticClip({ frames: 20, size: 104 });
const donors = [0.8, 0.9].map((share) =>
  heldDonor(movedFace(syntheticClip({ id: `donor ${share}`, frames: 9, size: 80 }), (x, y) => [share * x, y])),
);
const pairOf = (position: number, followed: Recipe = recipe, trace?: SynthesisTrace) =>
  synthesiseFrom(stored, key(position), followed, trace, donors);
const key = (position: number) => ({ seed: 5, epoch: 1, position });
const without = ({ stages }: Recipe, ...names: string[]): Recipe => ({
  stages: stages.filter(({ stage }) => !names.includes(stage)),
});
const changed = ({ stages }: Recipe, stage: string, params: StageSpec['params']): Recipe => ({
  stages: stages.map((spec) => (spec.stage === stage ? { stage, params: { ...spec.params, ...params } } : spec)),
});
const half = (bytes: Uint8Array, member: 0 | 1): Uint8Array =>
  bytes.subarray((member * bytes.length) / 2, ((member + 1) * bytes.length) / 2);

describe('what holds for every pair, with all augmentation on', () => {
  it('pair identity: before compression the members are equal outside the dilated mask, luminance histograms too', async () => {
    const uncompressed = without(recipe, 'frame_rate', 'rescale', 'post_blur', 'jpeg', 'h264', 'final_crop');
    const seen = new Map<string, { inside: number; outside: number }>();
    for (let position = 0; position < 16; position++) {
      const frames: TracedFrame[] = [];
      const { bytes, shape, counters } = await pairOf(position, uncompressed, {
        frame: (picture) => frames.push(picture),
      });
      const [T, H, W] = shape;
      const method = Object.keys(counters).find((name) => name.startsWith('blend_'))!;
      // A traced mask is rounded: what it shows as 0 may be a little more, two pixels farther.
      const reach = 2 + (method === 'blend_laplacian' ? laplacianReach(LEVELS) : 0);
      const tally = seen.get(method) ?? { inside: 0, outside: 0 };
      seen.set(method, tally);
      const [real, fake] = [half(bytes, 0), half(bytes, 1)];
      const histograms = [new Uint32Array(256), new Uint32Array(256)] as const;
      for (let t = 0; t < T; t++) {
        const near = dilated(frames[t]!.mask, W, H, reach);
        for (let i = 0; i < W * H; i++) {
          const at = (t * W * H + i) * 3;
          const differs = real[at] !== fake[at] || real[at + 1] !== fake[at + 1] || real[at + 2] !== fake[at + 2];
          if (near[i]) {
            tally.inside += Number(differs);
            continue;
          }
          tally.outside++;
          if (differs) throw new Error(`${method}, position ${position}: frame ${t}, pixel ${i} differs`);
          histograms[0][luminance(real, at)]!++;
          histograms[1][luminance(fake, at)]!++;
        }
      }
      expect(histograms[0]).toEqual(histograms[1]);
    }
    expect([...seen.keys()].sort()).toEqual(['blend_alpha', 'blend_laplacian', 'blend_poisson']);
    for (const { inside, outside } of seen.values()) {
      expect(inside).toBeGreaterThan(1000);
      expect(outside).toBeGreaterThan(1000);
    }
  });

  it('blend ratio 1 and mask 1 give the source', async () => {
    for (const method of ['alpha', 'laplacian'] as const) {
      const clip = clipOf(stored);
      clip.hardMask = new Uint8Array(20 * 104 * 104).fill(255);
      clip.support = Array.from({ length: 20 }, () => ({ x0: 0, y0: 0, x1: 104, y1: 104 }));
      clip.source = clip.target.map((v) => 255 - v);
      await applyStage(blend, clip, { ratios: [1], weights: { [method]: 1 } });
      expect(Buffer.compare(clip.fake!, clip.source), method).toBe(0);
    }
  });

  it('the same seed gives identical bytes, another seed others', async () => {
    const digests = new Set<string>();
    for (let position = 0; position < 12; position++) {
      const first = await pairOf(position);
      const [second] = await Promise.all([pairOf(position), pairOf(position + 100)]);
      expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
      expect(first.counters).toEqual(second.counters);
      digests.add(Buffer.from(first.bytes).toString('base64'));
    }
    expect(digests.size).toBe(12);
  });

  it('drift is at most 8 pixels long, and static with probability 0', async () => {
    for (const profile of DRIFT_PROFILES)
      for (let seed = 0; seed < 40; seed++) {
        const random = keyedGenerator('bound', profile, seed);
        const path = multiScalePath(32, profile, drawStep([0.5, 5], random), 8, random);
        for (let t = 0; t < 32; t++) expect(Math.hypot(path[2 * t]!, path[2 * t + 1]!)).toBeLessThanOrEqual(8);
      }
    const clip = clipOf(stored);
    await applyStage(mask, clip);
    const before = clip.hardMask!.slice();
    await applyStage(drift, clip, { mode: 'multiscale', prob: 0, step: [0.5, 5], max: 8 });
    expect(clip.softMask!.every((v, i) => v === before[i]! / 255)).toBe(true);
  });

  it('TPS with zero displacement is the identity', async () => {
    const clip = clipOf(stored);
    await applyStage(mask, clip, { types: ['facehull'] });
    await applyStage(drift, clip, { mode: 'multiscale', step: [0.5, 5], max: 8 });
    const before = clip.softMask!.slice();
    await applyStage(tps, clip, { prob: 1, max: 0 });
    expect(compare(clip.softMask!, before).most).toBe(0);
  });

  it('flipping twice is the identity', async () => {
    const clip = clipOf(stored);
    await applyStage(flip, clip, { prob: 1 });
    await applyStage(flip, clip, { prob: 1 });
    expect(Buffer.compare(clip.target, stored.pixels)).toBe(0);
    expect(compare(clip.landmarks, stored.landmarks).most).toBeLessThan(1e-10);
  });

  it('a batch has as many real as fake clips', async () => {
    const pairs = await Promise.all([0, 1, 2].map((position) => pairOf(position)));
    const { clips, labels } = joinPairs(pairs);
    expect([...labels]).toEqual([0, 1, 0, 1, 0, 1]);
    expect(clips.length).toBe(6 * 8 * 64 * 64 * 3);
    pairs.forEach((pair, i) => {
      expect(Buffer.compare(clips.subarray(i * pair.bytes.length, (i + 1) * pair.bytes.length), pair.bytes)).toBe(0);
    });
  });

  it('changing only how the fake is made never changes the real member', async () => {
    const variants: Record<string, Recipe> = {
      drift: changed(recipe, 'drift', { mode: 'v73', step: [2, 2] }),
      'drift bound': changed(recipe, 'drift', { prob: 1, max: 20 }),
      tps: changed(recipe, 'tps', { prob: 1, step: 3, max: 9 }),
      'no tps': without(recipe, 'tps'),
      exchange: changed(recipe, 'exchange', { prob: 1 }),
      masks: changed(recipe, 'mask', { types: ['components'] }),
      alpha: changed(recipe, 'blend', { weights: { alpha: 1 } }),
      poisson: changed(recipe, 'blend', { weights: { poisson: 1 }, sweeps: 4 }),
      laplacian: changed(recipe, 'blend', { weights: { laplacian: 1 }, levels: 4 }),
      opacity: changed(recipe, 'blend', { ratios: [0.9] }),
    };
    const differing = new Map<string, number>();
    for (let position = 0; position < 8; position++) {
      const plain = await pairOf(position);
      for (const [name, variant] of Object.entries(variants)) {
        const pair = await pairOf(position, variant);
        expect(Buffer.compare(half(pair.bytes, 0), half(plain.bytes, 0)), name).toBe(0);
        const differs = Buffer.compare(half(pair.bytes, 1), half(plain.bytes, 1)) !== 0;
        differing.set(name, (differing.get(name) ?? 0) + Number(differs));
      }
    }
    for (const [name, count] of differing) expect(count, name).toBeGreaterThan(1);
  });

  it('compressing as JPEG for want of an H.264 encoder is counted', async () => {
    const always = changed(recipe, 'h264', { prob: 1 });
    expect((await pairOf(0, always)).counters.h264_jpeg_fallback).toBe(1);
    const never = await pairOf(0, changed(recipe, 'h264', { prob: 0 }));
    expect(never.counters).not.toHaveProperty('h264_jpeg_fallback');
  });
});

const luminance = (rgb: Uint8Array, at: number): number =>
  Math.round(0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!);

/** 1 within `radius` pixels (square) of any non-zero mask value. */
function dilated(values: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const rows = new Uint8Array(width * height);
  const out = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) {
    if (!values[i]) continue;
    const x = i % width;
    rows.fill(1, i - Math.min(x, radius), i + Math.min(width - 1 - x, radius) + 1);
  }
  for (let y = 0; y < height; y++)
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++)
      for (let x = 0; x < width; x++) if (rows[v * width + x]) out[y * width + x] = 1;
  return out;
}
