import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cuttingPool,
  SampleError,
  type StoredClip,
  synthesiseFrom,
  validationRecipe,
  WorkerDiedError,
} from '../../../workers/index.js';
import { type CuttingOptions, cutStoredClips, cutWindows } from '../../../workers/synthesis/cutClips.js';
import { evenWindows } from '../../../workers/synthesis/evenWindows.js';
import type { Run } from '../../../workers/synthesis/stages/selectFrames.js';
import { syntheticClip, writeClip } from '../syntheticClip.js';

const layout = { img_size: 32, num_segments: 2, frames_per_segment: 4 };
const options: CuttingOptions = { clips: 4, ...layout };
/** Frame numbers of runs that begin at the given frames. */
const runsFrom = (length: number, ...starts: number[]) =>
  starts.flatMap((start) => Array.from({ length }, (_, i) => start + i));

describe('evenWindows', () => {
  it('gives each of four runs a window, at the same share of its spare frames', () => {
    const runs = [0, 16, 32, 48].map((start) => ({ start, length: 16 }));
    expect([0.125, 0.375, 0.625, 0.875].map((position) => evenWindows(runs, 4, 8, position))).toEqual([
      [1, 17, 33, 49],
      [3, 19, 35, 51],
      [5, 21, 37, 53],
      [7, 23, 39, 55],
    ]);
    expect(evenWindows(runs, 4, 8, 0.5)).toEqual([4, 20, 36, 52]);
  });

  it('interleaves the windows of a long run: every clip spans the video', () => {
    const runs = [{ start: 0, length: 100 }];
    expect(evenWindows(runs, 2, 10, 0.25)).toEqual([10, 60]);
    expect(evenWindows(runs, 2, 10, 0.75)).toEqual([30, 80]);
  });

  it('uses more runs than it has windows in turn, and has nothing for too few', () => {
    const runs = Array.from({ length: 8 }, (_, i) => ({ start: 10 * i, length: 4 }));
    expect([0.25, 0.75].map((position) => evenWindows(runs, 4, 4, position))).toEqual([
      [0, 20, 40, 60],
      [10, 30, 50, 70],
    ]);
    expect(evenWindows(runs.slice(0, 3), 4, 4, 0.5)).toBeNull();
  });

  it('always gives disjoint rising windows that lie inside runs', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    const position = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        position,
        (all, n, L, at) => {
          const starts = all.map((_, i) => all.slice(0, i).reduce((sum, length) => sum + length, 0));
          const runs: Run[] = all.map((length, i) => ({ start: starts[i]!, length }));
          const windows = evenWindows(runs, n, L, at);
          const fitting = all.reduce((sum, length) => sum + Math.floor(length / L), 0);
          expect(windows === null).toBe(fitting < n);
          windows?.forEach((first, i) => {
            expect(runs.some((run) => first >= run.start && first + L <= run.start + run.length)).toBe(true);
            if (i > 0) expect(first).toBeGreaterThanOrEqual(windows[i - 1]! + L);
          });
          if (windows) expect(windows).toHaveLength(n);
        },
      ),
    );
  });
});

describe('cutClips', () => {
  it.each([68, 81] as const)('shows what the real member of a validation pair shows, %i landmarks', async (points) => {
    // With exactly the frames of one clip, chance has no choice of frames; an obvious fake leaves its target alone.
    const stored = syntheticClip({ frames: 8, size: 80, points, frameNumbers: runsFrom(4, 0, 40) });
    const cut = await cutStoredClips(stored, options);
    const recipe = validationRecipe({ ...layout, difficulty: 'obvious' });
    const pair = await synthesiseFrom(stored, { seed: 1, epoch: -1, position: 0 }, recipe);
    expect(cut).toMatchObject({ even: 1, middle: 0, shape: pair.shape });
    expect(Buffer.compare(cut.bytes, pair.bytes.subarray(0, pair.bytes.length / 2))).toBe(0);
  });

  it('cuts each clip as if the video were nothing but its frames, in place', async () => {
    const frameNumbers = runsFrom(10, 0, 50, 90);
    const stored = syntheticClip({ frames: 30, size: 64, frameNumbers });
    const cut = await cutStoredClips(stored, options);
    expect([cut.even, cut.middle]).toEqual([4, 4]);
    const runs = [0, 10, 20].map((start) => ({ start, length: 10 }));
    const clipBytes = cut.bytes.length / 5;
    for (const [k, position] of [0.125, 0.375, 0.625, 0.875, 0.5].entries()) {
      const frames = evenWindows(runs, 2, 4, position)!.flatMap((start) => [0, 1, 2, 3].map((i) => start + i));
      const alone = await cutStoredClips(onlyFrames(stored, frames), { ...options, clips: 1 });
      expect(alone.bytes).toHaveLength(clipBytes);
      expect(Buffer.compare(alone.bytes, cut.bytes.subarray(k * clipBytes, (k + 1) * clipBytes))).toBe(0);
    }
  });

  it('cuts one clip from the middle when asked for one', async () => {
    const cut = await cutStoredClips(syntheticClip({ frames: 12, frameNumbers: runsFrom(12, 0) }), {
      ...options,
      clips: 1,
    });
    expect([cut.even, cut.middle, cut.bytes.length]).toEqual([1, 0, 8 * 32 * 32 * 3]);
  });

  it('says of a video that is too short how long its runs are', async () => {
    const short = syntheticClip({ frames: 7, frameNumbers: runsFrom(7, 0) });
    await expect(cutStoredClips(short, options)).rejects.toMatchObject({
      stage: 'select_frames',
      reason: "expected 2 runs of 4 contiguous frames but the clip's runs have 7 frames",
    });
    const spread = syntheticClip({ frames: 17, frameNumbers: null });
    await expect(cutStoredClips(spread, options)).rejects.toThrow(/17 frames without frame numbers/);
    const outside = syntheticClip({ frames: 8, size: 64 });
    outside.landmarks.fill(500);
    await expect(cutStoredClips(outside, options)).rejects.toThrow(/margin_crop: expected landmarks inside/);
  });
});

describe('cuttingPool', () => {
  it('makes the same bytes in its threads, and brings back the reason of a video that fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cut-'));
    const pool = cuttingPool({ threads: 1 });
    try {
      const stored = syntheticClip({ frames: 20, size: 64, frameNumbers: runsFrom(20, 0) });
      const source = await writeClip(folder, stored);
      const cut = await pool.run({ source, options });
      // The landmarks on disk are float32.
      const same = { ...stored, landmarks: Float64Array.from(Float32Array.from(stored.landmarks)) };
      expect(Buffer.compare(cut.bytes, (await cutStoredClips(same, options)).bytes)).toBe(0);
      const missing = { id: 'gone', crops: join(folder, 'gone_crops.npz'), landmarks: join(folder, 'gone.npz') };
      await expect(pool.run({ source: missing, options })).rejects.toThrow(SampleError);
      await expect(pool.run({ source, options: { ...options, clips: 0 } })).rejects.toThrow(
        /positive whole number for clips/,
      );
      await expect(pool.run({ source: missing, options })).rejects.not.toThrow(WorkerDiedError);
    } finally {
      await pool.destroy();
      await rm(folder, { recursive: true });
    }
  });
});

/** The video that has only these frames. */
function onlyFrames(stored: StoredClip, frames: number[]): StoredClip {
  const pick = <A extends Uint8Array | Float64Array>(array: A, width: number, out: A): A => {
    frames.forEach((frame, i) => {
      out.set(array.subarray(frame * width, (frame + 1) * width), i * width);
    });
    return out;
  };
  const pixels = stored.width * stored.height * 3;
  const points = stored.points * 2;
  return {
    ...stored,
    frames: frames.length,
    pixels: pick(stored.pixels, pixels, new Uint8Array(frames.length * pixels)),
    landmarks: pick(stored.landmarks, points, new Float64Array(frames.length * points)),
    frameNumbers: Float64Array.from(frames, (frame) => stored.frameNumbers![frame]!),
  };
}

describe('cutWindows', () => {
  it('makes of runs that are just long enough the one clip that evaluation makes of them', async () => {
    const frameNumbers = runsFrom(4, 0, 30);
    const stored = syntheticClip({ frames: 8, frameNumbers });
    const { bytes, even, middle } = await cutStoredClips(stored, { clips: 1, ...layout });
    expect([even, middle]).toEqual([1, 0]);
    const out = new Uint8Array(bytes.length);
    await cutWindows(stored, [0, 4], layout, out);
    expect(Buffer.compare(out, bytes)).toBe(0);
    expect(new Set(out).size).toBeGreaterThan(20);
  });
});
