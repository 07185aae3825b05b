import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyedGenerator, NpzError, readClip, readNpz, SampleError } from '../../../workers/index.js';
import { fixture } from '../reference.js';
import { npy, npz, syntheticClip, writeClip } from '../syntheticClip.js';
import { damaged, strangeNpz } from './mutations.js';

const limits = { maxFileBytes: 2 ** 20, maxArrayBytes: 2 ** 18, maxTotalBytes: 2 ** 19, maxArrays: 64 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'case.npz');
  await writeFile(path, bytes);
  return path;
}

/** A `.npy` file around any header and data. */
function npyOf(header: string, data: Uint8Array, version = 1): Uint8Array {
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(header.length, 8);
  else head.writeUInt32LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header, 'latin1'), data]);
}
const headerOf = (descr: string, shape: string): string =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }\n`;

describe('a damaged npz file', () => {
  it('is read or refused with a sentence, and never more than that (2000 cases; test/soak tries 100,000)', async () => {
    const clip = await writeClip(folder, syntheticClip({ id: 'fuzzed', frames: 4, size: 16 }));
    const files = ['npz_stored.npz', 'npz_zip64.npz', 'npz_version2.npz'].map(fixture);
    const seeds = await Promise.all([...files, clip.crops, clip.landmarks].map((file) => readFile(file)));
    const ends = { read: 0, refused: 0 };
    for (let n = 0; n < 2000; n++) {
      const random = keyedGenerator('npz fuzz', n);
      const base = n % 3 === 0 ? strangeNpz(random) : seeds[random.integer(0, seeds.length - 1)]!;
      const path = await written(n % 5 === 0 ? base : damaged(base, random));
      const check = async (work: Promise<unknown>, kind: typeof NpzError | typeof SampleError) => {
        const error = await work.then(
          () => undefined,
          (e: unknown) => e,
        );
        ends[error === undefined ? 'read' : 'refused']++;
        if (error === undefined) return;
        expect(error, `case ${n}`).toBeInstanceOf(kind);
        expect((error as Error).message, `case ${n}`).toMatch(/^[^\n]{5,500}$/);
      };
      await check(readNpz(path, { limits }), NpzError);
      await check(readClip({ ...clip, crops: path }, limits), SampleError);
      await check(readClip({ ...clip, landmarks: path }, limits), SampleError);
    }
    expect(ends.read).toBeGreaterThan(100);
    expect(ends.refused).toBeGreaterThan(2000);
  });

  it('cannot write to the terminal or fill the log with its names', async () => {
    const name = `\x1b[2J\u202e${'x'.repeat(5000)}`;
    const path = await written(zipSync({ [`${name}.npy`]: new Uint8Array(30) }));
    const error = await readNpz(path).catch((e: Error) => e);
    expect(error).toBeInstanceOf(NpzError);
    const { message } = error as Error;
    expect(message).toMatch(/^array '.{1,80}…': expected a \.npy array but its first bytes are not the NumPy magic$/);
    expect(message).not.toMatch(/\p{C}/u);
  });

  it('is bounded as a whole, not only array by array', async () => {
    const arrays = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, npy(new Uint8Array(100_000), [100_000])]));
    const path = await written(npz(arrays));
    const tight = { maxArrayBytes: 150_000, maxTotalBytes: 250_000 };
    await expect(readNpz(path, { limits: tight })).rejects.toThrow(/array 'c': .* more than the limit of \d+ bytes/);
    expect((await readNpz(path, { limits: tight, names: ['a', 'c'] })).size).toBe(2);
  });

  it('is bounded in what it becomes: half precision is widened', async () => {
    const bytes = npz({ a: npyOf(headerOf('<f2', '1000,'), new Uint8Array(2000)) });
    const path = await written(bytes);
    expect((await readNpz(path, { limits: { maxArrayBytes: 4000 } })).get('a')!.data.byteLength).toBe(4000);
    await expect(readNpz(path, { limits: { maxArrayBytes: 3999 } })).rejects.toThrow(
      'as float32 the array has 4000 bytes, more than the limit of 3999 bytes',
    );
  });

  it('is refused for headers and shapes that NumPy does not write', async () => {
    const reason = async (entry: Uint8Array) =>
      readNpz(await written(npz({ a: entry }))).then(
        () => 'read',
        (error: Error) => error.message,
      );
    expect(await reason(npyOf(headerOf('|u1', '1,').padEnd(70_000), new Uint8Array(1), 2))).toContain(
      'the .npy header has 70000 bytes',
    );
    expect(await reason(npyOf(headerOf('|u1', '1, '.repeat(65)), new Uint8Array(1)))).toContain('at most 64 axes');
    expect(await reason(npyOf(headerOf('|u1', '1 2'), new Uint8Array(2)))).toContain('the shape (1 2) is not readable');
    expect(await reason(npyOf(headerOf('|u1', '99999999, 99999999, 99999999'), new Uint8Array(0)))).toContain(
      'is too large',
    );
    expect(await reason(npyOf(headerOf('|u1', '1, '.repeat(64)), new Uint8Array(1)))).toBe('read');
  });

  it('with more frames than any clip has is no clip', async () => {
    const clip = await writeClip(folder, syntheticClip({ id: 'long', frames: 2, size: 16 }));
    const crops = npy(new Uint8Array(40_000 * 3), [40_000, 1, 1, 3]);
    await writeFile(clip.crops, npz({ crops }));
    await expect(readClip(clip)).rejects.toThrow('expected at most 36000 frames but received 40000');
  });
});

describe('memory lent to readNpz', () => {
  const path = () => fixture('npz_stored.npz');

  it('holds the arrays, which are the same as in new memory', async () => {
    const pool = new Map<string, Uint8Array>();
    const allocate = (name: string, length: number) => {
      const buffer = pool.get(name) ?? new Uint8Array(length + 100).fill(77);
      pool.set(name, buffer);
      return buffer;
    };
    const fresh = await readNpz(path(), { limits: { maxArrays: 200 } });
    for (let round = 0; round < 2; round++) {
      const lent = await readNpz(path(), { limits: { maxArrays: 200 }, allocate });
      expect([...lent.keys()]).toEqual([...fresh.keys()]);
      for (const [name, array] of fresh) expect(lent.get(name), name).toEqual(array);
      expect(lent.get('u1_c')!.data.buffer).toBe(pool.get('u1_c')?.buffer);
    }
  });

  it('is not asked for beyond the limits', async () => {
    const asked: number[] = [];
    const allocate = (_: string, length: number) => {
      asked.push(length);
      return new Uint8Array(length);
    };
    const limited = { maxArrayBytes: 200, maxArrays: 200 };
    await readNpz(path(), { limits: limited, allocate }).catch(() => {});
    expect(Math.max(0, ...asked)).toBeLessThanOrEqual(200);
  });
});
