import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataRoot } from '../../pipeline/data/dataRoot.js';
import { parseManifest, parseSplitList, readSplits } from '../../pipeline/data/splits.js';
import { UserError } from '../../pipeline/userError.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-splits-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('parseManifest', () => {
  it('reads ids, splits, labels, methods and pair groups', () => {
    const clips = parseManifest('id,split,label,method,pair_group\na,train,0,,\nb,test,1,swap,g1\n', 'manifest.csv');
    expect(clips.train).toEqual([{ id: 'a', label: 0 }]);
    expect(clips.test).toEqual([{ id: 'b', label: 1, method: 'swap', pairGroup: 'g1' }]);
  });

  it.each([
    ['id,split,label\na,train,2\n', /row 1: expected label 0 \(real\) or 1 \(fake\) but received "2"/],
    ['id,split,label\na,training,0\n', /expected split train, val or test but received "training"/],
    ['id,split,label\n../a,train,0\n', /would leave the data root/],
    ['id,split,label\na,train,0\na,val,0\n', /row 2: clip "a" stands in row 1 already/],
    ['name,split,label\na,train,0\n', /expected columns id, split, label; found name, split, label/],
    ['id,split,label\n"a,train,0\n', /not a readable CSV file/],
  ])('refuses %j', (text, message) => {
    expect(() => parseManifest(text, 'manifest.csv')).toThrow(message);
  });
});

describe('parseSplitList', () => {
  it("flattens FaceForensics++'s pairs, each id once", () => {
    expect(parseSplitList('[["071","054"],["087","081"]]', 'train.json').map(({ id }) => id)).toEqual([
      '071',
      '054',
      '087',
      '081',
    ]);
    expect(parseSplitList('["a","b","a"]', 'train.json')).toHaveLength(2);
  });
  it.each([
    ['{"a":1}', /expected a list/],
    ['[["a",3]]', /entry 0: expected a clip id, received 3/],
    ['[["a","b"],["071","071"]]', /entry 1: expected a pair of two clips, received "071" twice/],
    ['[["a","b"],["c","d","e"]]', /entry 1: expected a clip id or a pair of them, received a list of 3/],
    ['["a/b"]', /would leave the data root/],
    ['[', /not valid JSON/],
  ])('refuses %j', (text, message) => expect(() => parseSplitList(text, 'train.json')).toThrow(message));
});

describe('readSplits', () => {
  it('refuses folders where files should be, in words', async () => {
    await mkdir(join(folder, 'splits', 'train.json'), { recursive: true });
    const lists = readSplits(folder, folder);
    await expect(lists).rejects.toBeInstanceOf(UserError);
    await expect(lists).rejects.toThrow(/cannot read .*train\.json: .*directory/);
    await mkdir(join(folder, 'manifest.csv'));
    const manifest = readSplits(folder, folder);
    await expect(manifest).rejects.toBeInstanceOf(UserError);
    await expect(manifest).rejects.toThrow(/cannot read .*manifest\.csv: .*directory/);
  });

  it('prefers the manifest, then splits/ of the data root, then those of the project', async () => {
    const project = join(folder, 'project');
    await mkdir(project);
    await writeFile(join(project, 'train.json'), '["p"]');
    expect((await readSplits(folder, project)).clips.train[0]!.id).toBe('p');
    await mkdir(join(folder, 'splits'));
    await writeFile(join(folder, 'splits', 'train.json'), '["s"]');
    expect((await readSplits(folder, project)).clips.train[0]!.id).toBe('s');
    await writeFile(join(folder, 'manifest.csv'), 'id,split,label\nm,train,0\n');
    expect((await readSplits(folder, project)).clips.train[0]!.id).toBe('m');
  });
  it('refuses a clip that stands in two splits, and a folder without splits', async () => {
    await expect(readSplits(folder, folder)).rejects.toThrow(/no splits: expected .*manifest\.csv/);
    await writeFile(join(folder, 'train.json'), '["a"]');
    await writeFile(join(folder, 'val.json'), '["a"]');
    await expect(readSplits(folder, folder)).rejects.toThrow(/clip "a" stands in train and in val/);
  });
});

describe('openDataRoot', () => {
  const touch = (name: string) => writeFile(join(folder, name), '');
  it('finds flat clips and says where an unknown one was expected', async () => {
    for (const name of ['b_crops.npz', 'b_landmarks.npz', 'a_crops.npz', 'notes.txt']) await touch(name);
    const root = await openDataRoot(folder);
    expect(root.ids).toEqual(['a', 'b']);
    expect(root.locate('b')).toEqual({
      id: 'b',
      crops: join(folder, 'b_crops.npz'),
      landmarks: join(folder, 'b_landmarks.npz'),
    });
    expect(root.locate('z').crops).toBe(join(folder, 'z_crops.npz'));
  });
  it.each([
    ['', ''],
    ['_crops', '_landmarks'],
  ])('finds clips in crops/ and landmarks/ with suffix "%s"', async (c, l) => {
    await mkdir(join(folder, 'crops'));
    await mkdir(join(folder, 'landmarks'));
    await touch(`crops/x${c}.npz`);
    await touch(`landmarks/x${l}.npz`);
    const root = await openDataRoot(folder);
    expect(root.ids).toEqual(['x']);
    expect(root.locate('x')).toEqual({
      id: 'x',
      crops: join(folder, 'crops', `x${c}.npz`),
      landmarks: join(folder, 'landmarks', `x${l}.npz`),
    });
  });
  it('refuses a folder that does not exist or holds no crops', async () => {
    await expect(openDataRoot(join(folder, 'none'))).rejects.toThrow(/does not exist/);
    await expect(openDataRoot(folder)).rejects.toThrow(/no crops in/);
    await touch('file');
    await expect(openDataRoot(join(folder, 'file'))).rejects.toThrow(/but .*file is a file$/);
  });
});
