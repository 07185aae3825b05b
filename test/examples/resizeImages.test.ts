import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const example = join(import.meta.dirname, '../../examples/resizeImages.js');
const built = existsSync(join(import.meta.dirname, '../../dist/operators/index.js'));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resize-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.skipIf(!built)('examples/resizeImages.js (needs npm run build)', () => {
  const picture = (name: string, width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#486' } }).toFile(join(folder, name));
  const resize = (...args: string[]) => run(process.execPath, [example, folder, join(folder, 'out'), ...args]);
  const log = async () =>
    (await readFile(join(folder, 'out', 'pictures.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('resizes the pictures of a folder and lists the broken one', async () => {
    for (let i = 0; i < 12; i += 1) await picture(`p${String(i).padStart(2, '0')}.png`, 80 + i * 20, 40 + i * 10);
    await writeFile(join(folder, 'p05b.jpg'), 'no picture');
    await writeFile(join(folder, 'notes.txt'), 'not for us');
    const { stdout } = await resize('32');
    expect(stdout).toContain('13 of 13 pictures');
    const names = (await readdir(join(folder, 'out'))).sort();
    expect(names).toHaveLength(13);
    for (const name of names.filter((n) => n.endsWith('.png'))) {
      expect(await sharp(join(folder, 'out', name)).metadata()).toMatchObject({ width: 32, height: 16 });
    }
    const rows = await log();
    expect(rows.map(({ name }) => name)).toEqual([...rows.map(({ name }) => name)].sort());
    expect(rows.filter(({ error }) => error)).toMatchObject([{ name: 'p05b.jpg' }]);
  });

  it('stops with a clear message when too many are broken, or none was asked for', async () => {
    for (let i = 0; i < 40; i += 1) await writeFile(join(folder, `p${i}.png`), 'no picture');
    await expect(resize()).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('20 of 20 items failed; at most a share of 0.2 may fail'),
    });
    await expect(run(process.execPath, [example])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('usage:'),
    });
  });
});
