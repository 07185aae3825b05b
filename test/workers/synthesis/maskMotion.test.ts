import { describe, expect, it } from 'vitest';
import { wholeBox } from '../../../workers/image/box.js';
import { keyedGenerator } from '../../../workers/index.js';
import { affine } from '../../../workers/synthesis/stages/affine.js';
import { drift } from '../../../workers/synthesis/stages/drift.js';
import {
  brownianPath,
  DRIFT_PROFILES,
  type DriftProfile,
  drawStep,
  multiScalePath,
} from '../../../workers/synthesis/stages/driftPath.js';
import { elastic } from '../../../workers/synthesis/stages/elastic.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { soften } from '../../../workers/synthesis/stages/soften.js';
import { compare, reference, referenceBytes, referenceFloats } from '../reference.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const tiny = syntheticClip({ frames: 2, size: 16 });

async function masked(size = 64, frames = 3) {
  const clip = clipOf(syntheticClip({ frames, size }));
  await applyStage(mask, clip, { landmarks68_prob: 0 });
  return clip;
}

/** Centre of gravity of one frame's mask. */
function centre(values: ArrayLike<number>, frame: number, size: number): [number, number] {
  let [sum, sx, sy] = [0, 0, 0];
  for (let i = 0; i < size * size; i++) {
    const v = values[frame * size * size + i]!;
    sum += v;
    sx += v * (i % size);
    sy += v * Math.floor(i / size);
  }
  return [sx / sum, sy / sum];
}

describe('affine', () => {
  it('moves mask and source by the same map, within its ranges', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const clip = await masked();
      const before = centre(clip.hardMask!, 0, 64);
      await applyStage(affine, clip, {}, seed);
      const { scaleX, scaleY, shiftX, shiftY } = clip.sourceMotion!;
      for (const scale of [scaleX, scaleY]) {
        expect(scale).toBeGreaterThanOrEqual(0.95);
        expect(scale).toBeLessThanOrEqual(1 / 0.95);
      }
      expect(Math.abs(shiftX - ((1 - scaleX) * 63) / 2)).toBeLessThanOrEqual(0.03 * 64);
      expect(Math.abs(shiftY - ((1 - scaleY) * 63) / 2)).toBeLessThanOrEqual(0.015 * 64);
      const after = centre(clip.hardMask!, 0, 64);
      expect(after[0]).toBeCloseTo(before[0] * scaleX + shiftX, 0);
      expect(after[1]).toBeCloseTo(before[1] * scaleY + shiftY, 0);
    }
  });
});

describe('elastic', () => {
  it('moves pixels by 1.16 pixels rms, the same in every frame', async () => {
    // A ramp as a mask would show displacements; here their effect on the outline is measured through the map.
    const clip = await masked(96, 2);
    clip.hardMask!.copyWithin(96 * 96, 0, 96 * 96);
    clip.support![1] = clip.support![0]!;
    const before = clip.hardMask!.slice();
    await applyStage(elastic, clip);
    const bent = clip.hardMask!;
    expect(bent.subarray(0, 96 * 96)).toEqual(bent.subarray(96 * 96));
    expect(compare(bent, before).share).toBeGreaterThan(0.001);
    expect(Math.abs(centre(bent, 0, 96)[0] - centre(before, 0, 96)[0])).toBeLessThan(1.5);
  });

  it('has the displacement its parameters promise', async () => {
    // Two columns per level: the level found at a pixel tells where it was taken from.
    const size = 128;
    const squares: number[] = [];
    for (let seed = 0; seed < 6; seed++) {
      const clip = clipOf(syntheticClip({ frames: 1, size }));
      clip.hardMask = Uint8Array.from({ length: size * size }, (_, i) => 1 + (i % size));
      clip.support = [{ x0: 0, y0: 0, x1: size, y1: size }];
      await applyStage(elastic, clip, {}, seed);
      clip.hardMask.forEach((level, i) => {
        const x = i % size;
        if (x > 20 && x < size - 20) squares.push((level - 1 - x) ** 2);
      });
    }
    const rms = Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
    expect(rms).toBeGreaterThan(0.95);
    expect(rms).toBeLessThan(1.45);
  });

  it('changes nothing without displacement', async () => {
    const clip = await masked();
    const before = clip.hardMask!.slice();
    await applyStage(elastic, clip, { alpha: 0 });
    expect(clip.hardMask).toEqual(before);
  });
});

describe('drift', () => {
  it('walks by at most a step a frame and never far away', () => {
    let farthest = 0;
    for (let seed = 0; seed < 50; seed++) {
      const path = brownianPath(32, 1, 2, keyedGenerator('path', seed));
      expect([path[0], path[1]]).toEqual([0, 0]);
      for (let i = 2; i < path.length; i++) {
        expect(Math.abs(path[i]! - path[i - 2]!)).toBeLessThanOrEqual(1);
        expect(Math.abs(path[i]!)).toBeLessThanOrEqual(2);
        farthest = Math.max(farthest, Math.abs(path[i]!));
      }
    }
    expect(farthest).toBe(2);
  });

  it('moves the mask, in pixels at 224, and not at all with probability 0', async () => {
    const still = await masked();
    const before = still.hardMask!.slice();
    expect(await applyStage(drift, still, { prob: 0 })).toEqual({});
    expect(
      compare(
        still.softMask!,
        before.map((v) => v / 255),
      ).most,
    ).toBe(0);
    const moving = await masked();
    expect(await applyStage(drift, moving, { step: [7, 7], max: 14 })).toEqual({ drifted: 1 });
    let most = 0;
    for (let t = 0; t < 3; t++) {
      const [ax, ay] = centre(before, t, 64);
      const [bx, by] = centre(moving.softMask!, t, 64);
      if (t === 0) expect(Math.hypot(ax - bx, ay - by)).toBeLessThan(1e-6);
      most = Math.max(most, Math.abs(ax - bx), Math.abs(ay - by));
    }
    // Two steps of up to 7 pixels at 224 are up to 4 at 64.
    expect(most).toBeGreaterThan(0.2);
    expect(most).toBeLessThanOrEqual(4.01);
  });
});

describe('multi-scale drift', () => {
  const FREE = 1e9;
  const steps = (path: Float64Array, from = 1) =>
    Array.from({ length: path.length / 2 - from }, (_, i) => [
      path[2 * (i + from)]! - path[2 * (i + from) - 2]!,
      path[2 * (i + from) + 1]! - path[2 * (i + from) - 1]!,
    ]).flat();
  const deviation = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  const walk = (profile: DriftProfile, step: number, max: number, seed: number, frames = 32) =>
    multiScalePath(frames, profile, step, max, keyedGenerator('drift', seed));

  it('never goes farther than its bound, in any profile, and starts in place', () => {
    for (const profile of DRIFT_PROFILES) {
      let farthest = 0;
      for (let seed = 0; seed < 60; seed++) {
        const path = walk(profile, 5, 8, seed);
        expect([path[0], path[1]]).toEqual([0, 0]);
        for (let t = 0; t < 32; t++) farthest = Math.max(farthest, Math.hypot(path[2 * t]!, path[2 * t + 1]!));
      }
      expect(farthest, profile).toBeLessThanOrEqual(8);
      expect(farthest, profile).toBeGreaterThan(7.99);
    }
  });

  it('has the distribution of steps that each profile names', () => {
    const many = (profile: DriftProfile, frames: number, from = 1) =>
      Array.from({ length: 40 }, (_, seed) => steps(walk(profile, 3, FREE, seed, frames), from)).flat();
    expect(deviation(many('smooth', 200))).toBeCloseTo(1.5, 1);
    const jittery = many('jittery', 200);
    expect(deviation(jittery)).toBeCloseTo(3 / Math.sqrt(3), 1);
    expect(Math.max(...jittery)).toBeLessThanOrEqual(3);
    expect(Math.max(...jittery)).toBeGreaterThan(2.98);
    // At frame t of T the deviation is 3 t / T, from 0.1 on.
    const paths = Array.from({ length: 4000 }, (_, seed) => walk('accelerating', 3, FREE, seed, 40));
    for (const t of [1, 10, 20, 39]) {
      const at = paths.flatMap((path) => [path[2 * t]! - path[2 * t - 2]!, path[2 * t + 1]! - path[2 * t - 1]!]);
      expect(deviation(at) / Math.max(0.1, (3 * t) / 40)).toBeCloseTo(1, 1);
    }
  });

  it('circles once drawn often, plus noise, where it oscillates', () => {
    const rest: number[] = [];
    for (let seed = 0; seed < 100; seed++) {
      const path = walk('oscillating', 2, FREE, seed);
      const periods = keyedGenerator('drift', seed).between(0.5, 3);
      for (let t = 1; t < 32; t++) {
        const phase = (2 * Math.PI * periods * t) / 32;
        rest.push(path[2 * t]! - path[2 * t - 2]! - 2 * Math.sin(phase));
        rest.push(path[2 * t + 1]! - path[2 * t - 1]! - 2 * Math.cos(phase));
      }
    }
    expect(deviation(rest)).toBeCloseTo(0.4, 1);
  });

  it('draws its step log-uniformly', () => {
    const random = keyedGenerator('steps');
    const logs = Array.from({ length: 4000 }, () => Math.log(drawStep([0.5, 5], random))).sort((a, b) => a - b);
    const [low, high] = [Math.log(0.5), Math.log(5)];
    for (const share of [0, 0.25, 0.5, 0.75, 1])
      expect(Math.abs(logs[Math.round(share * 3999)]! - (low + share * (high - low)))).toBeLessThan(0.06);
    expect(drawStep([2, 2], random)).toBe(2);
  });

  it('happens as often as asked, in all profiles equally often, and else leaves every byte', async () => {
    const seen: Record<string, number> = {};
    for (let seed = 0; seed < 400; seed++) {
      const clip = clipOf(tiny);
      clip.hardMask = new Uint8Array(16 * 16 * 2).fill(255);
      clip.support = [wholeBox(16, 16), wholeBox(16, 16)];
      const counted = await applyStage(drift, clip, { mode: 'multiscale', prob: 0.8, step: [0.5, 5], max: 8 }, seed);
      for (const name of Object.keys(counted)) seen[name] = (seen[name] ?? 0) + 1;
      if (!counted.drifted) expect(clip.softMask!.every((v) => v === 1)).toBe(true);
    }
    expect(Math.abs(seen.drifted! / 400 - 0.8)).toBeLessThan(0.08);
    for (const profile of DRIFT_PROFILES)
      expect(Math.abs(seen[`drift_${profile}`]! / seen.drifted! - 0.25), profile).toBeLessThan(0.08);
  });

  it('lets nothing in from outside the picture and goes on across the gaps between segments', async () => {
    const bytes = async (segments: number) => {
      const clip = clipOf(syntheticClip({ frames: 8, size: 16 }));
      clip.segments = segments;
      clip.hardMask = new Uint8Array(16 * 16 * 8).fill(255);
      clip.support = Array.from({ length: 8 }, () => wholeBox(16, 16));
      await applyStage(drift, clip, { mode: 'multiscale', step: [60, 60], max: 80 }, 5);
      return clip.softMask!;
    };
    const moved = await bytes(1);
    expect(moved).toEqual(await bytes(4));
    // A full mask that moves right loses its left columns: its area is (16 - |dx|) (16 - |dy|).
    const random = keyedGenerator('test', 5, 'drift');
    random.chance(1);
    const step = drawStep([60, 60], random);
    const path = multiScalePath(8, random.pick(DRIFT_PROFILES), step, 80, random);
    for (let t = 0; t < 8; t++) {
      const area = moved.subarray(t * 256, (t + 1) * 256).reduce((sum, v) => sum + v, 0);
      const [dx, dy] = [(Math.abs(path[2 * t]!) * 16) / 224, (Math.abs(path[2 * t + 1]!) * 16) / 224];
      expect(area).toBeCloseTo((16 - dx) * (16 - dy), 3);
    }
  });

  it('refuses a mode that it does not know', async () => {
    await expect(applyStage(drift, await masked(), { mode: 'slow' })).rejects.toThrow(
      'drift: Expected v73 or multiscale for mode but received slow',
    );
  });
});

describe('soften', () => {
  it('equals the same steps done with OpenCV', async () => {
    const [height, width] = reference('soften_mask').shape as [number, number];
    for (const [w, h, k, sigma] of [
      [200, 200, 9, 7],
      [240, 193, 25, 31],
      [256, 256, 5, 5],
      [210, 210, 15, 40],
    ] as const) {
      const stored = {
        ...syntheticClip({ frames: 1, size: width }),
        width,
        height,
        pixels: new Uint8Array(width * height * 3),
      };
      const clip = clipOf(stored);
      clip.hardMask = referenceBytes('soften_mask').slice();
      clip.support = [{ x0: 8, y0: 6, x1: 55, y1: 51 }];
      // One number for both axes is all the parameters can fix, so a size is searched for among the seeds.
      const size = w === h ? [w, w] : [h, w];
      let found = w === h;
      for (let seed = 0; seed < 20_000 && !found; seed++) {
        const random = keyedGenerator('test', seed, 'soften');
        if (random.integer(size[0]!, size[1]!) === w && random.integer(size[0]!, size[1]!) === h) {
          await applyStage(soften, clip, { size, kernel: [k, k], sigma: [sigma, sigma] }, seed);
          found = true;
        }
      }
      if (w === h) await applyStage(soften, clip, { size, kernel: [k, k], sigma: [sigma, sigma] });
      expect(found).toBe(true);
      const { most } = compare(clip.softMask!, referenceFloats(`softened_${w}_${h}_${k}_${sigma}`));
      expect(most, `${w}x${h} ${k}`).toBeLessThan(2e-4);
      expect(Math.max(...clip.softMask!)).toBeGreaterThan(0.99);
    }
  });

  it('is 0 outside the support it reports and lies inside 0..1', async () => {
    const clip = await masked(80, 2);
    await applyStage(drift, clip);
    await applyStage(soften, clip);
    for (let i = 0; i < clip.softMask!.length; i++) {
      const value = clip.softMask![i]!;
      const [t, x, y] = [Math.floor(i / 6400), i % 80, Math.floor((i % 6400) / 80)];
      const box = clip.support![t]!;
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1 + 1e-6);
      if (x < box.x0 || x >= box.x1 || y < box.y0 || y >= box.y1) expect(value).toBe(0);
    }
  });

  it("erodes by about the first blur's radius, or leaves the outline with a threshold of one half", async () => {
    const side = 200;
    const areaWith = async (threshold: number, kernel: number): Promise<number> => {
      const clip = await masked(side, 1);
      // A disc: its outline is nearly straight at the scale of the kernel.
      for (let i = 0; i < side * side; i++)
        clip.hardMask![i] = Math.hypot((i % side) - 100, Math.floor(i / side) - 100) <= 60 ? 255 : 0;
      clip.support = [{ x0: 40, y0: 40, x1: 161, y1: 161 }];
      // Without a second blur to speak of.
      await applyStage(soften, clip, { size: [side, side], kernel: [kernel, kernel], sigma: [1, 1], threshold });
      return clip.softMask!.reduce((sum, value) => sum + value, 0);
    };
    for (const kernel of [9, 25]) {
      // The kernel is a square, whose corners reach farther than its sides and weigh less.
      const radius = (kernel - 1) / 2;
      const eroded = 60 - Math.sqrt((await areaWith(1e-4, kernel)) / Math.PI);
      expect(eroded).toBeGreaterThan(radius / 2);
      expect(eroded).toBeLessThan(radius * Math.SQRT2);
      expect(Math.sqrt((await areaWith(0.5, kernel)) / Math.PI)).toBeCloseTo(60, 0);
    }
  });

  it('draws again when nothing is left, and gives up after so many drawings', async () => {
    const clip = await masked();
    clip.support = clip.support!.map(() => ({ x0: 0, y0: 0, x1: 0, y1: 0 }));
    clip.hardMask!.fill(0);
    await expect(applyStage(soften, clip)).rejects.toThrow(
      'nothing was left of the mask after softening, in 10 drawings',
    );
  });
});
