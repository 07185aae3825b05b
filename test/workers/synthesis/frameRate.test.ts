import { describe, expect, it } from 'vitest';
import { keyedGenerator, type Recipe, type StoredClip, synthesiseFrom } from '../../../workers/index.js';
import { blend } from '../../../workers/synthesis/stages/blend.js';
import { finalCrop } from '../../../workers/synthesis/stages/finalCrop.js';
import { drawRate, frameRate, rateMap } from '../../../workers/synthesis/stages/frameRate.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { selectFrames } from '../../../workers/synthesis/stages/selectFrames.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
/** Two runs of `length` frames. */
const runs = (length: number): StoredClip =>
  syntheticClip({ frames: 2 * length, size: 40, frameNumbers: [...range(0, length), ...range(500, length)] });
const layout = { num_segments: 2, frames_per_segment: 8 };
const slow = { prob: 1, duplicate_prob: 1 };
const fast = { prob: 1, duplicate_prob: 0 };

describe('drawRate and rateMap', () => {
  it('show frame floor(t rate)', () => {
    expect([...rateMap(8, 1)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...rateMap(8, 0.5)]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect([...rateMap(8, 1.5)]).toEqual([0, 1, 3, 4, 6, 7, 9, 10]);
    expect([...rateMap(6, 0.8)]).toEqual([0, 0, 1, 2, 3, 4]);
  });

  it('duplicate as often as they drop, within their ranges', () => {
    const rates = Array.from({ length: 3000 }, (_, i) =>
      drawRate({ ...frameRate.defaults, prob: 0.6 }, keyedGenerator('rate', i)),
    );
    const [slower, faster] = [rates.filter((rate) => rate < 1), rates.filter((rate) => rate > 1)];
    expect(Math.abs((slower.length + faster.length) / 3000 - 0.6)).toBeLessThan(0.04);
    expect(Math.abs(slower.length / (slower.length + faster.length) - 0.5)).toBeLessThan(0.04);
    expect(Math.min(...slower)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...faster)).toBeLessThan(2);
    const mean = (list: number[]) => list.reduce((sum, v) => sum + v, 0) / list.length;
    expect(mean(slower)).toBeCloseTo(0.75, 1);
    expect(mean(faster)).toBeCloseTo(1.5, 1);
  });
});

describe('select_frames with frame_rate', () => {
  it('takes contiguous windows that are as long as the rate needs', async () => {
    const stored = runs(20);
    for (let seed = 0; seed < 40; seed++)
      for (const params of [slow, fast]) {
        const clip = clipOf(stored);
        expect(await applyStage(selectFrames, clip, layout, seed, { frame_rate: params })).toEqual({});
        const rate = drawRate({ ...frameRate.defaults, ...params }, keyedGenerator('test', seed, 'frame_rate'));
        const map = rateMap(8, rate);
        const length = map[7]! + 1;
        expect(clip.frames).toBe(2 * length);
        if (map.every((frame, t) => frame === t)) expect(clip.rateMap).toBeNull();
        else expect(clip.rateMap).toEqual(map);
        for (let t = 1; t < clip.frames; t++)
          if (t % length !== 0)
            expect(stored.frameNumbers![clip.frameIndex[t]!]! - stored.frameNumbers![clip.frameIndex[t - 1]!]!).toBe(1);
      }
  });

  it('keeps the rate, and counts it, where the runs are too short to drop frames', async () => {
    let short = 0;
    for (let seed = 0; seed < 40; seed++) {
      const clip = clipOf(runs(8));
      const counted = await applyStage(selectFrames, clip, layout, seed, { frame_rate: fast });
      const rate = drawRate({ ...frameRate.defaults, ...fast }, keyedGenerator('test', seed, 'frame_rate'));
      expect(counted).toEqual(rateMap(8, rate)[7]! > 7 ? { frame_rate_short: 1 } : {});
      expect(clip.rateMap).toBeNull();
      expect([...clip.frameIndex]).toEqual(range(0, 16));
      short += counted.frame_rate_short ?? 0;
    }
    expect(short).toBeGreaterThan(30);
  });

  it('draws the same windows as without the stage where the rate stays', async () => {
    const [with_, without] = [clipOf(runs(20)), clipOf(runs(20))];
    await applyStage(selectFrames, with_, layout, 3, { frame_rate: { prob: 0 } });
    await applyStage(selectFrames, without, layout, 3);
    expect(with_.frameIndex).toEqual(without.frameIndex);
  });
});

describe('frame_rate', () => {
  const recipe = (params: Record<string, unknown>): Recipe => ({
    stages: [
      { stage: 'select_frames', params: layout },
      { stage: 'mask', params: {} },
      { stage: 'drift', params: {} },
      { stage: 'colour', params: { source_prob: 1 } },
      { stage: 'blend', params: {} },
      { stage: 'frame_rate', params },
    ],
  });
  const key = (position: number) => ({ seed: 1, epoch: 0, position });
  const frameBytes = 40 * 40 * 3;

  it('repeats or drops the same frames of both members', async () => {
    const stored = runs(20);
    const changedFrames = { frame_rate_duplicated: 0, frame_rate_dropped: 0 };
    for (const params of [slow, fast])
      for (let position = 0; position < 10; position++) {
        const { bytes, shape, counters } = await synthesiseFrom(stored, key(position), recipe(params));
        expect(shape).toEqual([16, 40, 40, 3]);
        for (const name of ['frame_rate_duplicated', 'frame_rate_dropped'] as const)
          changedFrames[name] += counters[name] ?? 0;
        const frame = (member: number, t: number) =>
          bytes.subarray((member * 16 + t) * frameBytes, (member * 16 + t + 1) * frameBytes);
        const rate = drawRate(
          { ...frameRate.defaults, ...params },
          keyedGenerator(1, 0, position, stored.id, 'frame_rate'),
        );
        const map = rateMap(8, rate);
        for (const segment of [0, 8])
          for (let t = 1; t < 8; t++) {
            const repeats = map[t] === map[t - 1];
            for (const member of [0, 1])
              expect(Buffer.compare(frame(member, segment + t), frame(member, segment + t - 1)) === 0).toBe(repeats);
          }
        // The real member's frames are stored ones, as far apart as the map says.
        for (const segment of [0, 8]) {
          const at = range(0, 8).map((t) =>
            range(0, 40).findIndex(
              (f) =>
                Buffer.compare(stored.pixels.subarray(f * frameBytes, (f + 1) * frameBytes), frame(0, segment + t)) ===
                0,
            ),
          );
          expect(at.map((f) => f - at[0]!)).toEqual([...map]);
        }
      }
    expect(changedFrames.frame_rate_duplicated).toBeGreaterThan(7);
    expect(changedFrames.frame_rate_dropped).toBeGreaterThan(7);
  });

  it('changes nothing with probability 0', async () => {
    const stored = runs(20);
    const plain: Recipe = { stages: recipe({}).stages.slice(0, 5) };
    const { bytes } = await synthesiseFrom(stored, key(2), recipe({ prob: 0 }));
    expect(Buffer.compare(bytes, (await synthesiseFrom(stored, key(2), plain)).bytes)).toBe(0);
  });

  it('keeps track of where the members differ', async () => {
    for (const params of [slow, fast]) {
      const cut = async (forget: boolean) => {
        const clip = clipOf(runs(20));
        await applyStage(selectFrames, clip, layout, 6, { frame_rate: params });
        await applyStage(mask, clip);
        clip.source = clip.target.map((v) => 255 - v);
        await applyStage(blend, clip, { ratios: [1] });
        expect(clip.frames).not.toBe(16);
        await applyStage(frameRate, clip, params);
        expect([clip.frames, clip.difference!.length, clip.landmarks.length]).toEqual([16, 16, 16 * 162]);
        if (forget) clip.difference = null;
        await applyStage(finalCrop, clip, { size: 32 });
        return clip.pair!.bytes;
      };
      expect(Buffer.compare(await cut(false), await cut(true))).toBe(0);
    }
  });
});
