import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDemoData } from '../../../pipeline/demo/demoData.js';
import { UserError } from '../../../pipeline/userError.js';
import { readClip } from '../../../workers/index.js';

const small = {
  people: { train: 2, val: 1, test: 1 },
  videos: 2,
  size: 48,
  runs: 2,
  runLength: 2,
  seed: 3,
  threads: 1,
};

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'demo-data-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

async function digests(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const sums = await Promise.all(
    names.map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(folder, name)))
        .digest('hex'),
    ),
  );
  return Object.fromEntries(names.map((name, i) => [name, sums[i]!]));
}

describe('writeDemoData', () => {
  it('writes a data root whose clips the workers can read, nobody in two splits', async () => {
    const folder = join(parent, 'a');
    expect(await writeDemoData(folder, small)).toEqual({ folder, clips: 8, reused: false });
    const rows = (await readFile(join(folder, 'manifest.csv'), 'utf8')).trim().split('\n');
    expect(rows[0]).toBe('id,split,label,source');
    const clips = rows.slice(1).map((row) => row.split(','));
    expect(clips.map(([, split]) => split)).toEqual(['train', 'train', 'train', 'train', 'val', 'val', 'test', 'test']);
    expect(clips.every(([, , label]) => label === '0')).toBe(true);
    const splitsOf = new Map<string, Set<string>>();
    for (const [id, split] of clips) {
      const person = id!.split('_')[1]!;
      splitsOf.set(person, (splitsOf.get(person) ?? new Set()).add(split!));
    }
    expect([...splitsOf.values()].map((splits) => splits.size)).toEqual([1, 1, 1, 1]);
    for (const [id] of clips) {
      const clip = await readClip({
        id: id!,
        crops: join(folder, `${id}_crops.npz`),
        landmarks: join(folder, `${id}_landmarks.npz`),
      });
      expect(clip).toMatchObject({ frames: 4, height: 48, width: 48, points: 81 });
      expect([...clip.frameNumbers!]).toEqual([0, 1, 21, 22]);
      expect(clip.landmarks.every((value) => value > -5 && value < 53)).toBe(true);
    }
    expect((await readdir(parent)).filter((name) => name.includes('draft'))).toEqual([]);
  });

  it('leaves a complete folder alone, and draws one again that lacks a file or has other options', async () => {
    const folder = join(parent, 'b');
    const few = { ...small, people: { train: 1, val: 0, test: 1 }, videos: 1 };
    await writeDemoData(folder, few);
    const before = await stat(join(folder, 'head_00_0_crops.npz'));
    expect((await writeDemoData(folder, few)).reused).toBe(true);
    expect((await stat(join(folder, 'head_00_0_crops.npz'))).mtimeMs).toBe(before.mtimeMs);
    const first = await digests(folder);

    await rm(join(folder, 'head_01_0_landmarks.npz'));
    expect((await writeDemoData(folder, few)).reused).toBe(false);
    expect(await digests(folder)).toEqual(first);

    expect((await writeDemoData(folder, { ...few, seed: 4 })).reused).toBe(false);
    expect((await digests(folder))['head_00_0_crops.npz']).not.toBe(first['head_00_0_crops.npz']);
  });

  it('draws the same bytes in any number of threads', async () => {
    const few = { ...small, videos: 1 };
    await writeDemoData(join(parent, 'one'), { ...few, threads: 1 });
    await writeDemoData(join(parent, 'three'), { ...few, threads: 3 });
    expect(await digests(join(parent, 'three'))).toEqual(await digests(join(parent, 'one')));
  });

  it('touches no folder that holds something else, and no file', async () => {
    const folder = join(parent, 'mine');
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'x');
    await expect(writeDemoData(folder, small)).rejects.toThrow(UserError);
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    await expect(writeDemoData(join(folder, 'thesis.txt'), small)).rejects.toThrow(/is a file/);
    await expect(writeDemoData(join(parent, 'new'), { ...small, size: 8 })).rejects.toThrow(
      /32 to 1024 for size, received 8/,
    );
    expect((await readdir(parent)).includes('new')).toBe(false);
  });
});
