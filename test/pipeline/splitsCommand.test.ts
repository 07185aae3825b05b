import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchOfficialSplits } from '../../pipeline/data/fetchOfficialSplits.js';
import { readSplits, SPLIT_NAMES } from '../../pipeline/data/splits.js';
import { projectFolder } from '../../pipeline/projectFolder.js';

/** Files in the form of the official ones (pairs of three digits, each of a thousand once), with a split of our own. */
const pair = (i: number) => [String(2 * i).padStart(3, '0'), String(2 * i + 1).padStart(3, '0')];
const list = (from: number, to: number) => JSON.stringify(Array.from({ length: to - from }, (_, i) => pair(from + i)));
const official = { train: list(0, 360), val: list(360, 430), test: list(430, 500) };

let server: Server;
let url: string;
let answers: Record<string, string | number>;
let asked: string[];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    const answer = answers[request.url!] ?? 404;
    response.writeHead(typeof answer === 'number' ? answer : 200).end(typeof answer === 'string' ? answer : '');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/splits`;
});
afterAll(() => {
  server.close();
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-fetch-splits-'));
  asked = [];
  answers = Object.fromEntries(SPLIT_NAMES.map((name) => [`/splits/${name}.json`, official[name]]));
});
afterEach(() => rm(folder, { recursive: true }));

describe('fetchOfficialSplits', () => {
  it('fetches the three files as they are', async () => {
    expect(await fetchOfficialSplits(url)).toEqual(official);
    expect(asked).toEqual(['/splits/train.json', '/splits/val.json', '/splits/test.json']);
  });

  it('asks again when the server stumbles, not when the file is not there, and then says what to do', async () => {
    answers['/splits/val.json'] = 503;
    await expect(fetchOfficialSplits(url, 1)).rejects.toThrow(
      /cannot fetch .*val\.json \(the server answered 503 Service Unavailable\).*download train\.json.*--from/,
    );
    expect(asked.filter((path) => path === '/splits/val.json')).toHaveLength(3);
    answers['/splits/train.json'] = 404;
    asked = [];
    await expect(fetchOfficialSplits(url, 1)).rejects.toThrow(/answered 404 Not Found/);
    expect(asked).toHaveLength(1);
    await expect(fetchOfficialSplits('http://127.0.0.1:9', 1)).rejects.toThrow(/cannot fetch .*\(fetch failed/);
  });

  it.each([
    ['val', list(360, 429), /expected 70 pairs of ids, received 69/],
    ['val', list(359, 429), /expected each of the ids 000 to 999 once, received "718"/],
    ['train', '<html>', /train\.json: not valid JSON/],
    ['test', '[["a","b"]]', /received "a"/],
  ])('refuses a %s.json that is not the official one', async (name, text, message) => {
    answers[`/splits/${name}.json`] = text;
    await expect(fetchOfficialSplits(url)).rejects.toThrow(message);
  });
});

describe('splits', () => {
  const splits = (...args: string[]) =>
    new Promise<{ code: number; text: string }>((resolve) => {
      execFile(process.execPath, ['pipeline/splits.js', ...args], { cwd: projectFolder }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
      );
    });
  const dataRoot = async (...ids: string[]) => {
    const root = join(folder, 'data');
    await mkdir(root, { recursive: true });
    for (const id of ids) await writeFile(join(root, `${id}_crops.npz`), '');
    return root;
  };
  const own = async (files: Record<string, string>) => {
    const from = join(folder, 'own');
    await mkdir(from, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(from, name), text);
    return from;
  };

  it('puts the official splits where training reads them', async () => {
    const root = await dataRoot('000', '001', '999');
    const { code, text } = await splits('--data-root', root, '--url', url);
    expect(code).toBe(0);
    expect(text).toContain('train 720, val 140, test 140 ids');
    expect(text).toContain('with crops in the data root: train 2, val 0, test 1');
    const { source, clips } = await readSplits(root, folder);
    expect(source).toBe(join(root, 'splits'));
    expect(clips.val[0]).toEqual({ id: '720', label: 0 });
    expect((await splits('--data-root', root, '--url', url)).code).toBe(0); // the same again
  });

  it("takes the user's own, replaces others only when told to, and leaves nothing when they are wrong", async () => {
    const root = await dataRoot('a');
    const good = { 'train.json': '["a","b"]', 'val.json': '["c"]', 'test.json': '[["d","e"]]' };
    const from = await own(good);
    expect(await splits('--from', from, '--data-root', root, '--check')).toMatchObject({ code: 0 });
    expect(await readdir(root)).not.toContain('splits');
    expect((await splits('--from', from, '--data-root', root)).text).toContain('train 2, val 1, test 2 ids');

    const leaking = await own({ ...good, 'val.json': '["a"]' });
    const refused = await splits('--from', leaking, '--data-root', root, '--force');
    expect(refused).toMatchObject({ code: 2, text: expect.stringContaining('clip "a" stands in train and in val') });
    expect(await readFile(join(root, 'splits', 'val.json'), 'utf8')).toBe(good['val.json']);

    await own({ ...good, 'val.json': '["z"]' });
    const other = await splits('--from', from, '--data-root', root);
    expect(other).toMatchObject({
      code: 2,
      text: expect.stringMatching(/holds other splits already \(val\.json\); give --force/),
    });
    expect((await splits('--from', from, '--data-root', root, '--force')).code).toBe(0);
    expect(await readFile(join(root, 'splits', 'val.json'), 'utf8')).toBe('["z"]');

    await rm(join(from, 'test.json'));
    const incomplete = await splits('--from', from, '--data-root', root);
    expect(incomplete).toMatchObject({ code: 2, text: expect.stringContaining('missing: test.json') });
    await mkdir(join(from, 'test.json'));
    const folded = await splits('--from', from, '--data-root', root);
    expect(folded).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^error: cannot read .*test\.json: .*directory/),
    });
  });

  it('says so where a manifest stands over what it has put there', async () => {
    const root = await dataRoot('a');
    const from = await own({ 'train.json': '["a"]', 'val.json': '["b"]', 'test.json': '["c"]' });
    expect((await splits('--from', from, '--data-root', root)).text).not.toContain('not used');
    await writeFile(join(root, 'manifest.csv'), 'id,split,label\na,train,0\n');
    expect((await splits('--from', from, '--data-root', root)).text).toMatch(/not used as long as .*manifest\.csv/);
  });

  it('says what to do without a network', async () => {
    const { code, text } = await splits('--data-root', await dataRoot('a'), '--url', `${url}/nowhere`);
    expect(code).toBe(2);
    expect(text).toMatch(
      /^error: cannot fetch .*nowhere\/train\.json \(the server answered 404 Not Found\)\. Check the network/,
    );
  });
});
