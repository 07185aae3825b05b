import { describe, expect, it } from 'vitest';
import { keyedGenerator } from '../../../workers/index.js';
import { contiguousRuns, drawWindows, selectFrames } from '../../../workers/synthesis/stages/selectFrames.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

describe('select_frames', () => {
  it('takes contiguous windows in order of time, landmarks with them', async () => {
    const stored = syntheticClip({
      frames: 40,
      size: 16,
      frameNumbers: [...range(5, 11), ...range(90, 20), ...range(200, 9)],
    });
    for (let seed = 0; seed < 60; seed++) {
      const clip = clipOf(stored);
      await applyStage(selectFrames, clip, { num_segments: 4, frames_per_segment: 6 }, seed);
      expect(clip.frames).toBe(24);
      expect(clip.segments).toBe(4);
      for (let t = 1; t < 24; t++) {
        const step = stored.frameNumbers![clip.frameIndex[t]!]! - stored.frameNumbers![clip.frameIndex[t - 1]!]!;
        if (t % 6 === 0) expect(step).toBeGreaterThan(0);
        else expect(step).toBe(1);
      }
      const perFrame = stored.points * 2;
      clip.frameIndex.forEach((frame, t) => {
        expect(clip.landmarks.subarray(t * perFrame, (t + 1) * perFrame)).toEqual(
          stored.landmarks.subarray(frame * perFrame, (frame + 1) * perFrame),
        );
      });
    }
  });

  it('reaches every placement about equally often', () => {
    // One window of 3 in a run of 6 has four places; two windows of 2 in a run of 5 have three.
    const count = (length: number, windows: number, size: number): number[] => {
      const seen = new Map<string, number>();
      for (let i = 0; i < 6000; i++) {
        const key = String(drawWindows([{ start: 0, length }], windows, size, keyedGenerator('places', i)));
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
      return [...seen.values()].map((n) => n / 6000);
    };
    const single = count(6, 1, 3);
    expect(single.length).toBe(4);
    for (const share of single) expect(Math.abs(share - 1 / 4)).toBeLessThan(0.025);
    expect(count(5, 2, 2).length).toBe(3);
  });

  it('takes a single frame from anywhere, also where it is not known which frames are neighbours', async () => {
    const chosen = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const clip = clipOf(syntheticClip({ frames: 12, size: 16, frameNumbers: null }));
      await applyStage(selectFrames, clip, { num_segments: 1, frames_per_segment: 1 }, seed);
      expect(clip.frames).toBe(1);
      chosen.add(clip.frameIndex[0]!);
    }
    expect(chosen.size).toBe(12);
  });

  it('takes the whole clip where it just fits', async () => {
    const clip = clipOf(
      syntheticClip({ frames: 32, size: 16, frameNumbers: [0, 40, 90, 200].flatMap((f) => range(f, 8)) }),
    );
    await applyStage(selectFrames, clip, { num_segments: 4, frames_per_segment: 8 });
    expect([...clip.frameIndex]).toEqual(range(0, 32));
  });

  it('says why a clip cannot give the frames', async () => {
    const ask = (frameNumbers: number[] | null, frames: number): Promise<unknown> =>
      applyStage(selectFrames, clipOf(syntheticClip({ frames, size: 16, frameNumbers })), {
        num_segments: 2,
        frames_per_segment: 4,
      });
    await expect(ask([...range(0, 7), ...range(20, 3)], 10)).rejects.toThrow(
      "expected 2 runs of 4 contiguous frames but the clip's runs have 7, 3 frames",
    );
    await expect(ask(null, 17)).rejects.toThrow(
      "expected an array 'frames' in the landmarks file, or at most 16 frames",
    );
    await expect(ask(null, 16)).resolves.toBeDefined();
    await expect(ask(null, 7)).rejects.toThrow("the clip's runs have 7 frames");
  });

  it('ends a run at every gap, repetition and step back', () => {
    expect(contiguousRuns([1, 2, 3, 3, 4, 9, 8], 7).map((run) => run.length)).toEqual([3, 2, 1, 1]);
    expect(contiguousRuns(null, 5)).toEqual([{ start: 0, length: 5 }]);
  });
});
