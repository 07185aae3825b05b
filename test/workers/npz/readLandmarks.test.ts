import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SampleError } from '../../../workers/index.js';
import { readLandmarks } from '../../../workers/npz/readLandmarks.js';
import { npy, npz, syntheticClip, writeClip } from '../syntheticClip.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landmarks-'));
});
afterAll(() => rm(folder, { recursive: true }));

const clip = syntheticClip({ id: 'face', frames: 4, size: 24, points: 68, frameNumbers: [3, 4, 9, 10] });

it('reads a face without its pixels, which need not be there', async () => {
  const source = await writeClip(folder, clip);
  await rm(source.crops);
  expect(await readLandmarks(source)).toEqual({
    ...{ frames: 4, points: 68, frameNumbers: Float64Array.of(3, 4, 9, 10) },
    landmarks: Float64Array.from(clip.landmarks, Math.fround),
  });
  await expect(readLandmarks(source, { maxArrayBytes: 100 })).rejects.toThrow('more than the limit of 100 bytes');
});

it.each([
  ['no landmarks', { other: npy(new Uint8Array(1), [1]) }, /expected an array 'landmarks' but there is none/],
  [
    'another number of points',
    { landmarks: npy(new Float32Array(4 * 70 * 2), [4, 70, 2]) },
    /float32 \[F, 68 or 81, 2\] for landmarks but received float32 \[4, 70, 2\]/,
  ],
  [
    'more frames than any clip has',
    { landmarks: npy(new Uint8Array(36_001 * 68 * 2), [36_001, 68, 2]) },
    /at most 36000 frames but received 36001/,
  ],
  [
    'a point nowhere',
    { landmarks: npy(new Float32Array(68 * 2).fill(Number.NaN), [1, 68, 2]) },
    /finite landmarks but received NaN at frame 0, point 0/,
  ],
  [
    'frame numbers of other frames',
    { landmarks: npy(new Float32Array(68 * 2), [1, 68, 2]), frames: npy(new Int32Array(2), [2]) },
    /integers \[1\] for frames but received int32 \[2\]/,
  ],
])('refuses %s', async (_, arrays: Record<string, Uint8Array>, message) => {
  const source = { id: 'face', crops: join(folder, 'none.npz'), landmarks: join(folder, 'bad.npz') };
  await writeFile(source.landmarks, npz(arrays));
  const error = await readLandmarks(source).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(SampleError);
  expect(error).toMatchObject({
    clip: 'face',
    stage: 'read',
    retryable: false,
    reason: expect.stringMatching(message),
  });
});
