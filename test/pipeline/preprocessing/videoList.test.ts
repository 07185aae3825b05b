import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listVideos } from '../../../pipeline/preprocessing/videoList.js';
import { UserError } from '../../../pipeline/userError.js';

const root = mkdtempSync(join(tmpdir(), 'stf-list-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const file = (path: string, text = '') => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
  return join(root, path);
};
for (const path of ['a/one.mp4', 'a/deep/two.MKV', 'a/notes.txt', 'b/one.mp4', 'b/-x $(y) \'ü".mp4']) file(path);
const defaults = { split: 'val', label: 0 } as const;
const list = (...given: string[]) => listVideos(given, defaults);

describe('listVideos', () => {
  it('searches folders for videos, and takes a named file whatever its name', async () => {
    const found = await list(join(root, 'a'), join(root, 'a/notes.txt'));
    expect(found.map(({ id }) => id)).toEqual(['two', 'one', 'notes']);
    expect(found[0]).toEqual({ id: 'two', path: join(root, 'a/deep/two.MKV'), split: 'val', label: 0, more: {} });
  });

  it('takes patterns, and a file only once', async () => {
    const found = await list(join(root, '*/one.mp4'), join(root, 'a/one.mp4'));
    expect(found.map(({ id }) => id)).toEqual(['one', 'b_one']);
  });

  it('makes ids that no shell or file system trips over', async () => {
    const found = await list(join(root, 'b'));
    expect(found.map(({ id }) => id)).toEqual(['_x___y___ü_', 'one']);
  });

  it('reads manifests, paths relative to them', async () => {
    const csv = file(
      'list.csv',
      'file,split,label,method,pair_group,id\na/one.mp4,test,1,swap,p1,fake1\nb/one.mp4,,,,,\n',
    );
    expect(await list(csv)).toEqual([
      {
        id: 'fake1',
        path: join(root, 'a/one.mp4'),
        split: 'test',
        label: 1,
        more: { method: 'swap', pair_group: 'p1' },
      },
      { id: 'one', path: join(root, 'b/one.mp4'), split: 'val', label: 0, more: {} },
    ]);
  });

  it.each([
    ['file,label\nx.mp4,2\n', /row 1: expected label 0 \(real\) or 1 \(fake\) but received "2"/],
    ['path\nx.mp4\n', /row 1: expected a column "file" .* found path/],
    ['file,split\nx.mp4,dev\n', /row 1: expected split train, val or test but received "dev"/],
    ['file,id\nx.mp4,../up\n', /would leave the data root/],
    ['file,id\nx.mp4,same\ny.mp4,same\n', /row 2: id "same" is that of .*row 1/],
  ])('says what is wrong with a manifest: %j', async (text, message) => {
    const asked = list(file('bad.csv', text));
    await expect(asked).rejects.toThrow(UserError);
    await expect(asked).rejects.toThrow(message);
  });

  it('says what is not there', async () => {
    await expect(list(join(root, 'absent.mp4'))).rejects.toThrow(/no such file or folder/);
    await expect(list(join(root, 'absent*.mp4'))).rejects.toThrow(/no file matches/);
    mkdirSync(join(root, 'empty'), { recursive: true });
    await expect(list(join(root, 'empty'))).rejects.toThrow(/no videos in this folder/);
  });
});
