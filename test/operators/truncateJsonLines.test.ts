import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { truncateJsonLines } from '../../operators/index.js';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'truncate-'));
  path = join(folder, 'log.jsonl');
});
afterAll(() => rm(folder, { recursive: true }));

describe('truncateJsonLines', () => {
  it('keeps the wanted rows byte for byte and leaves no other file behind', async () => {
    await writeFile(path, '{"step":1, "x": 1.0}\n{"step":2}\n{"step":3}\n{"st');
    await chmod(path, 0o640);
    expect(await truncateJsonLines(path, (row) => (row.step as number) < 3)).toEqual({ kept: 2, dropped: 2 });
    expect(await readFile(path, 'utf8')).toBe('{"step":1, "x": 1.0}\n{"step":2}\n');
    expect(await readdir(folder)).toEqual(['log.jsonl']);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it('does not touch a file of which every row is kept', async () => {
    await writeFile(path, '{"step":1}\n');
    const before = await stat(path);
    expect(await truncateJsonLines(path, () => true)).toEqual({ kept: 1, dropped: 0 });
    expect((await stat(path)).ino).toBe(before.ino);
  });

  it('ends a whole last row with a newline', async () => {
    await writeFile(path, '{"step":1}\n{"step":2}');
    expect(await truncateJsonLines(path, () => true)).toEqual({ kept: 2, dropped: 0 });
    expect(await readFile(path, 'utf8')).toBe('{"step":1}\n{"step":2}\n');
  });

  it('takes a missing or empty file as one without rows', async () => {
    expect(await truncateJsonLines(join(folder, 'none.jsonl'), () => true)).toEqual({ kept: 0, dropped: 0 });
    expect(await readdir(folder)).toEqual(['log.jsonl']);
    await writeFile(path, '');
    expect(await truncateJsonLines(path, () => false)).toEqual({ kept: 0, dropped: 0 });
  });

  it('refuses a file with a broken line in the middle and leaves it as it was', async () => {
    const text = '{"step":1}\n{"step:2}\n{"step":3}\n';
    await writeFile(path, text);
    await expect(truncateJsonLines(path, () => false)).rejects.toThrow(
      `Expected a JSON object in line 2 of ${path} but found "{\\"step:2}"`,
    );
    expect(await readFile(path, 'utf8')).toBe(text);
    await expect(truncateJsonLines(folder, () => true)).rejects.toThrow(`Could not read ${folder}`);
  });
});
