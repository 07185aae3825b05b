import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NpyArray, NpzError, readNpz } from '../../../workers/index.js';
import { fixture } from '../reference.js';
import { npy, npz } from '../syntheticClip.js';

type Expected = Record<string, { dtype: string; shape: number[]; values: (string | number)[] }>;
const expected = JSON.parse(await readFile(fixture('npz_expected.json'), 'utf8')) as Expected;
const limits = { maxArrays: 200 };

function check(array: NpyArray, wanted: Expected[string], name: string): void {
  expect(array.dtype, name).toBe(wanted.dtype);
  expect(array.shape, name).toEqual(wanted.shape);
  const values = Array.from(array.data as Float64Array, (v: number | bigint) =>
    typeof v === 'bigint' ? String(v) : v,
  );
  expect(values, name).toEqual(wanted.values);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npz-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(bytes: Uint8Array, name = 'case.npz'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('readNpz', () => {
  for (const file of ['npz_stored.npz', 'npz_compressed.npz'])
    it(`reads every dtype, order and shape that NumPy wrote to ${file}`, async () => {
      const arrays = await readNpz(fixture(file), { limits });
      expect([...arrays.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [name, wanted] of Object.entries(expected)) check(arrays.get(name)!, wanted, name);
    });

  it('reads 64-bit archives and version 2 headers', async () => {
    const large = await readNpz(fixture('npz_zip64.npz'));
    check(large.get('a')!, expected.i4_c!, 'a');
    check(large.get('b')!, expected.f4_f!, 'b');
    check((await readNpz(fixture('npz_version2.npz'))).get('a')!, expected.u2_c!, 'a');
  });

  it('reads only the arrays asked for', async () => {
    const arrays = await readNpz(fixture('npz_stored.npz'), { names: ['f4_f', 'absent'], limits });
    expect([...arrays.keys()]).toEqual(['f4_f']);
  });

  it('refuses pickles, structured and other dtypes', async () => {
    await expect(readNpz(fixture('npz_object.npz'))).rejects.toThrow(
      "array 'a': object arrays hold pickled Python code",
    );
    await expect(readNpz(fixture('npz_structured.npz'))).rejects.toThrow('structured arrays are not supported');
    await expect(readNpz(fixture('npz_complex.npz'))).rejects.toThrow("received '<c8'");
    await expect(readNpz(fixture('npz_text.npz'))).rejects.toThrow("received '<U3'");
  });

  it('notices any single flipped bit, or reads the right values all the same', async () => {
    for (const file of ['npz_zip64.npz', 'npz_version2.npz']) {
      const clean = await readFile(fixture(file));
      const wanted = await readNpz(fixture(file));
      let refused = 0;
      for (let bit = 0; bit < clean.length * 8; bit += 7) {
        const bytes = Buffer.from(clean);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const arrays = await readNpz(await written(bytes)).catch((error: unknown) => {
          expect(error, `bit ${bit}`).toBeInstanceOf(NpzError);
          refused++;
          return null;
        });
        // Times, attributes and names are not part of any array.
        if (arrays) {
          const values = (map: Map<string, NpyArray>): unknown[] =>
            [...map.values()].map(({ shape, data }) => [shape, data]);
          expect(values(arrays), `bit ${bit}`).toEqual(values(wanted).slice(0, arrays.size));
        }
      }
      expect(refused).toBeGreaterThan(clean.length / 2);
    }
  });

  it('refuses a file cut at any place', async () => {
    const clean = await readFile(fixture('npz_zip64.npz'));
    for (let length = 0; length < clean.length; length += 3)
      await expect(readNpz(await written(clean.subarray(0, length))), `${length}`).rejects.toBeInstanceOf(NpzError);
  });

  it('refuses an archive that declares 10 GB before it allocates anything', async () => {
    const bytes = Buffer.from(npz({ a: npy(new Uint8Array(1000), [1000]) }));
    const directory = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    // 10 GB does not fit 32 bits: all ones, and the number itself in a zip64 field behind the name.
    const name = bytes.readUInt16LE(directory + 28);
    const extra = Buffer.alloc(12);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(8, 2);
    extra.writeBigUInt64LE(10_000_000_000n, 4);
    const split = directory + 46 + name;
    const large = Buffer.concat([bytes.subarray(0, split), extra, bytes.subarray(split)]);
    large.writeUInt32LE(0xffffffff, directory + 24);
    large.writeUInt16LE(12, directory + 30);
    const end = large.indexOf(Buffer.from([0x50, 0x4b, 5, 6]));
    large.writeUInt32LE(large.readUInt32LE(end + 12) + 12, end + 12);
    const path = await written(large);
    const before = process.memoryUsage().rss;
    await expect(readNpz(path)).rejects.toThrow('declares 10000000000 bytes, more than the limit of');
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  it('refuses data that is longer or shorter than declared', async () => {
    for (const declared of [400, 4000]) {
      const bytes = Buffer.from(npz({ a: npy(new Uint8Array(1000), [1000]) }));
      bytes.writeUInt32LE(declared, bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24);
      await expect(readNpz(await written(bytes))).rejects.toThrow(/declares \d+ bytes but holds/);
    }
    await expect(readNpz(await written(npz({ a: npy(new Uint8Array(10), [11]) })))).rejects.toThrow(
      'expected 11 bytes for uint8 [11] but the array has 10',
    );
  });

  it('has limits on file, array and number of arrays', async () => {
    const path = await written(npz({ a: npy(new Uint8Array(1000), [1000]), b: npy(new Uint8Array(3), [3]) }, 0));
    await expect(readNpz(path, { limits: { maxArrayBytes: 500 } })).rejects.toThrow('more than the limit of 500 bytes');
    await expect(readNpz(path, { limits: { maxFileBytes: 500 } })).rejects.toThrow(/the file has \d+ bytes/);
    await expect(readNpz(path, { limits: { maxArrays: 1 } })).rejects.toThrow('2 entries, more than the limit of 1');
    expect((await readNpz(path)).get('b')!.shape).toEqual([3]);
  });

  it('says what a file is that is no archive', async () => {
    await expect(readNpz(await written(Buffer.from('hello')))).rejects.toThrow('not a readable zip archive');
    await expect(readNpz(folder)).rejects.toThrow('expected a file but found a folder');
    await expect(readNpz(join(folder, 'absent.npz'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readNpz(await written(npz({ a: new Uint8Array(30) })))).rejects.toThrow('not the NumPy magic');
  });

  it.skipIf(process.platform !== 'linux')('leaves no file open, whether reading works or fails', async () => {
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
    const bad = await written(Buffer.from('hello'), 'bad.npz');
    const before = await open();
    for (let i = 0; i < 20; i++) {
      await readNpz(fixture('npz_zip64.npz'));
      await readNpz(bad).catch(() => {});
      await readNpz(fixture('npz_object.npz')).catch(() => {});
    }
    expect(await open()).toBeLessThanOrEqual(before);
  });
});
