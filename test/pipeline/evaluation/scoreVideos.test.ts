import { describe, expect, it } from 'vitest';
import type { Score } from '../../../model/index.js';
import type { SplitEntry } from '../../../pipeline/data/splits.js';
import { type ScoreVideosOptions, scoreVideos } from '../../../pipeline/evaluation/scoreVideos.js';
import { type CutClips, SampleError, WorkerDiedError } from '../../../workers/index.js';

const BYTES = 2 * 1 * 1 * 3;
/** A video of `even` clips and a middle one, each filled with its own number. */
const cutOf = (id: string, even: number, first: number): CutClips => ({
  id,
  shape: [2, 1, 1, 3],
  bytes: Uint8Array.from({ length: (even + 1) * BYTES }, (_, i) => first + Math.floor(i / BYTES)),
  even,
  middle: even,
  sharpness: first + 1,
});
const scoreOf = (byte: number): Score => ({ probability: byte / 100, hllRatio: byte / 200, hllEnergy: byte });

function options(cut: ScoreVideosOptions['cut'], more: Partial<ScoreVideosOptions> = {}): ScoreVideosOptions {
  return {
    taskOf: ({ id }) => ({
      source: { id, crops: '', landmarks: '' },
      options: { clips: 2, img_size: 1, num_segments: 1, frames_per_segment: 2 },
    }),
    cut,
    threads: 2,
    batch: 3,
    actor: {
      score: async ({ clips, count }) =>
        Array.from({ length: count }, (_, i) => scoreOf(clips[(i * clips.length) / count]!)),
    },
    signal: new AbortController().signal,
    onVideo: () => {},
    ...more,
  };
}
const entries = (n: number): SplitEntry[] =>
  Array.from({ length: n }, (_, i) => ({ id: `v${i}`, label: i % 2 ? 1 : 0 }));
const numberOf = (id: string) => Number(id.slice(1));

describe('scoreVideos', () => {
  it.each([1, 3, 6, 100])(
    'gives each video the mean of its own clips and its middle one, %i clips at once',
    async (batch) => {
      const seen: string[] = [];
      const rows = await scoreVideos(
        entries(7),
        options(async ({ source: { id } }) => cutOf(id, 1 + (numberOf(id) % 2), 10 * numberOf(id)), {
          batch,
          onVideo: ({ id }) => seen.push(id),
        }),
      );
      expect(rows.map(({ id }) => id)).toEqual(entries(7).map(({ id }) => id));
      expect(seen).toEqual(rows.map(({ id }) => id));
      rows.forEach((row, i) => {
        const even = 1 + (i % 2);
        const first = 10 * i;
        expect(row.score).toBeCloseTo((first + (even - 1) / 2) / 100, 12);
        expect(row.score1Clip).toBeCloseTo((first + even) / 100, 12);
        expect(row.hllEnergy).toBeCloseTo(first + (even - 1) / 2, 12);
        expect(row.clips).toBe(even);
      });
    },
  );

  it('scores a video that cannot be used 0.5 and says why; tries again where a thread died', async () => {
    let deaths = 0;
    const rows = await scoreVideos(
      entries(3),
      options(async ({ source: { id } }) => {
        if (id === 'v0') throw new SampleError(id, 'read', 'is broken');
        if (id === 'v1' && deaths++ === 0) throw new WorkerDiedError(id, 'out of memory');
        return cutOf(id, 2, 40);
      }),
    );
    expect(rows.map(({ score, clips }) => [score, clips])).toEqual([
      [0.5, 0],
      [0.405, 2],
      [0.405, 2],
    ]);
    expect(rows[0]).toMatchObject({
      score1Clip: 0.5,
      hllRatio: null,
      failure: { clip: 'v0', stage: 'read', reason: 'is broken', attempts: 1 },
    });
  });

  it("passes on what is no video's fault", async () => {
    const broken = scoreVideos(
      entries(3),
      options(async () => Promise.reject(new TypeError('a defect'))),
    );
    await expect(broken).rejects.toThrow('a defect');
  });

  it('cuts no further ahead of a network that stands still than its threads and one batch', async () => {
    let begun = 0;
    let go = () => {};
    const stalled = new Promise<void>((resolve) => {
      go = resolve;
    });
    const base = options(async ({ source: { id } }) => {
      begun++;
      return cutOf(id, 2, 1);
    });
    const scored = scoreVideos(entries(50), {
      ...base,
      actor: {
        score: async (request) => {
          await stalled;
          return base.actor.score(request);
        },
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(begun).toBeLessThanOrEqual(4);
    go();
    expect(await scored).toHaveLength(50);
  });

  it('ends early, without an error, when it is told to stop', async () => {
    const stop = new AbortController();
    const rows = await scoreVideos(
      entries(50),
      options(async ({ source: { id } }) => cutOf(id, 2, 1), {
        signal: stop.signal,
        onVideo: ({ id }) => id === 'v5' && stop.abort(),
      }),
    );
    expect(rows.length).toBeLessThan(10);
  });
});
