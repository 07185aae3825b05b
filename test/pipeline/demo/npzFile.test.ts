import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNpz } from '../../../pipeline/demo/npzFile.js';
import { readNpz } from '../../../workers/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('encodeNpz', () => {
  it('is read back as it was, with dtypes and shapes', async () => {
    const file = join(folder, 'a.npz');
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
    const reals = Float32Array.of(0.5, -1.25, 3e8, 1e-20);
    const whole = Int32Array.of(-7, 0, 2 ** 31 - 1);
    await writeFile(
      file,
      encodeNpz({
        crops: { shape: [2, 2, 2, 3], data: bytes },
        landmarks: { shape: [2, 2], data: reals },
        frames: { shape: [3], data: whole },
      }),
    );
    const arrays = await readNpz(file, { names: ['crops', 'landmarks', 'frames'] });
    expect(arrays.get('crops')).toMatchObject({ dtype: 'uint8', shape: [2, 2, 2, 3] });
    expect([...(arrays.get('crops')!.data as Uint8Array)]).toEqual([...bytes]);
    expect(arrays.get('landmarks')).toMatchObject({ dtype: 'float32', shape: [2, 2] });
    expect([...(arrays.get('landmarks')!.data as Float32Array)]).toEqual([...reals]);
    expect(arrays.get('frames')).toMatchObject({ dtype: 'int32', shape: [3] });
    expect([...(arrays.get('frames')!.data as Int32Array)]).toEqual([...whole]);
  });

  it('gives the same bytes whenever it is called, and headers that fill a multiple of 64', () => {
    const entry = { shape: [1], data: Uint8Array.of(9) };
    const archive = Buffer.from(encodeNpz({ a: entry }));
    expect(archive.equals(Buffer.from(encodeNpz({ a: entry })))).toBe(true);
    const magic = archive.indexOf('\x93NUMPY', 0, 'latin1');
    const header = archive.readUInt16LE(magic + 8);
    expect((10 + header) % 64).toBe(0);
    expect(archive.toString('latin1', magic + 10, magic + 10 + header)).toBe(
      `${"{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }".padEnd(header - 1)}\n`,
    );
    expect(archive[magic + 10 + header]).toBe(9);
  });

  it('refuses data of another length than the shape says', () => {
    expect(() => encodeNpz({ a: { shape: [2, 3], data: new Uint8Array(5) } })).toThrow(
      /Expected 6 values for a \[2, 3\]/,
    );
  });
});
