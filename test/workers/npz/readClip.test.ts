import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readClip, SampleError } from '../../../workers/index.js';
import { npy, npz, syntheticClip, writeClip } from '../syntheticClip.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clip-'));
});
afterAll(() => rm(folder, { recursive: true }));

const clip = syntheticClip({ id: 'good', frames: 4, size: 24, frameNumbers: [10, 11, 40, 41] });
const crops = npy(clip.pixels, [4, 24, 24, 3]);
const landmarks = npy(Float32Array.from(clip.landmarks), [4, 81, 2]);

/** Reads a clip of these arrays and returns why that failed. */
async function reasonFor(cropArrays: Record<string, Uint8Array>, landmarkArrays: Record<string, Uint8Array>) {
  const source = { id: 'case', crops: join(folder, 'c.npz'), landmarks: join(folder, 'l.npz') };
  await writeFile(source.crops, npz(cropArrays));
  await writeFile(source.landmarks, npz(landmarkArrays));
  const error = await readClip(source).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(SampleError);
  const { clip: id, stage, reason, message } = error as SampleError;
  expect([id, stage]).toEqual(['case', 'read']);
  expect(message).toBe(`case: read: ${reason}`);
  return reason;
}

describe('readClip', () => {
  it('reads pixels, landmarks and frame numbers', async () => {
    const read = await readClip(await writeClip(folder, clip));
    expect(read).toMatchObject({ id: 'good', frames: 4, height: 24, width: 24, points: 81 });
    expect(Buffer.compare(read.pixels, clip.pixels)).toBe(0);
    expect(read.landmarks).toEqual(Float64Array.from(clip.landmarks, Math.fround));
    expect(read.frameNumbers).toEqual(Float64Array.of(10, 11, 40, 41));
    expect((await readClip(await writeClip(folder, { ...clip, frameNumbers: null }))).frameNumbers).toBeNull();
  });

  it('names the missing file', async () => {
    const source = await writeClip(folder, clip);
    const gone = { ...source, landmarks: join(folder, 'gone_landmarks.npz') };
    await expect(readClip(gone)).rejects.toThrow(`good: read: landmarks file ${gone.landmarks} does not exist`);
    await expect(readClip({ ...source, crops: gone.landmarks })).rejects.toThrow(/crops file .* does not exist/);
  });

  it('says what is wrong with the arrays', async () => {
    const good = { landmarks };
    expect(await reasonFor({ other: crops }, good)).toContain("expected an array 'crops' but there is none");
    expect(await reasonFor({ crops }, { other: landmarks })).toContain("expected an array 'landmarks'");
    const floats = npy(Float32Array.from(clip.pixels), [4, 24, 24, 3]);
    expect(await reasonFor({ crops: floats }, good)).toBe(
      'expected uint8 [F, H, W, 3] for crops but received float32 [4, 24, 24, 3]',
    );
    expect(await reasonFor({ crops: npy(clip.pixels, [4, 3, 24, 24]) }, good)).toContain(
      'received uint8 [4, 3, 24, 24]',
    );
    expect(await reasonFor({ crops: npy(new Uint8Array(0), [0, 24, 24, 3]) }, good)).toContain('crops is empty');
    expect(await reasonFor({ crops }, { landmarks: npy(new Float32Array(4 * 70 * 2), [4, 70, 2]) })).toContain(
      'received float32 [4, 70, 2]',
    );
    expect(await reasonFor({ crops }, { landmarks: npy(new Float32Array(3 * 68 * 2), [3, 68, 2]) })).toBe(
      'expected landmarks for 4 frames but received 3',
    );
    expect(await reasonFor({ crops }, { ...good, frames: npy(new Int32Array(5), [5]) })).toBe(
      'expected integers [4] for frames but received int32 [5]',
    );
    expect(await reasonFor({ crops }, { ...good, frames: npy(new Float32Array(4), [4]) })).toContain('float32 [4]');
  });

  it('finds landmarks that are not numbers', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const values = Float32Array.from(clip.landmarks);
      values[(2 * 81 + 5) * 2 + 1] = bad;
      expect(await reasonFor({ crops }, { landmarks: npy(values, [4, 81, 2]) })).toBe(
        `expected finite landmarks but received ${bad} at frame 2, point 5`,
      );
    }
  });

  it('reports a damaged file with its path', async () => {
    const source = await writeClip(folder, clip);
    const bytes = await readFile(source.crops);
    bytes[Math.floor(bytes.length / 2)]! ^= 16;
    await writeFile(source.crops, bytes);
    await expect(readClip(source)).rejects.toThrow(
      /crops file .*good_crops\.npz: array 'crops': the (checksum|compressed data)/,
    );
    await writeFile(source.crops, bytes.subarray(0, 500));
    await expect(readClip(source)).rejects.toThrow('not a readable zip archive');
  });

  it('passes its limits on', async () => {
    const source = await writeClip(folder, clip);
    await expect(readClip(source, { maxArrayBytes: 1000 })).rejects.toThrow('more than the limit of 1000 bytes');
  });
});
