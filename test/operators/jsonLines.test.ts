import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  Credits,
  consume,
  isDiskTrouble,
  JsonLines,
  JsonLinesError,
  jsonLines,
  Patience,
  pull,
} from '../../operators/index.js';

let folder: string;
let next = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'json-lines-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});
const freshPath = () => join(folder, `${next++}`, 'log.jsonl');
const rows = async (path: string) =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('JsonLines', () => {
  it('waits for room on a full disk where it is given patience, and leaves no half line behind', async () => {
    const path = freshPath();
    const said: string[] = [];
    const patience = new Patience({
      ...{ isTransient: isDiskTrouble, limitMs: 5000, everyMs: 1 },
      onWait: () => said.push('wait'),
      onBack: () => said.push('back'),
    });
    const log = await JsonLines.open(path, { patience });
    await log.write({ n: 0 });
    const handle = await open(path, 'a');
    let failures = 3;
    const real = Object.getPrototypeOf(handle).appendFile;
    vi.spyOn(Object.getPrototypeOf(handle), 'appendFile').mockImplementation(async function (
      this: unknown,
      ...[bytes]: unknown[]
    ) {
      if (failures-- <= 0) return real.call(this, bytes);
      await real.call(this, (bytes as Buffer).subarray(0, 3)); // a full disk takes a part
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    });
    await log.write({ n: 1 });
    await log.write({ n: 2 });
    await log.close();
    await handle.close();
    expect(await rows(path)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
    expect(said).toEqual(['wait', 'back']);
  });

  it('creates folder and file, appends in order, and goes on where it stopped', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    await Promise.all([0, 1, 2].map((n) => log.write({ n, text: 'zwölf\n' })));
    await log.close();
    await log.close();
    const again = await JsonLines.open(path);
    await again.write({ n: 3 });
    await again.close();
    expect(await rows(path)).toEqual([...[0, 1, 2].map((n) => ({ n, text: 'zwölf\n' })), { n: 3 }]);
    await expect(again.write({ n: 4 })).rejects.toThrow('it is closed');
  });

  it('has written a row when write() resolves, and holds no more than the rows that wait', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    for (let n = 0; n < 5; n += 1) {
      await log.write({ n });
      expect(await rows(path)).toHaveLength(n + 1);
    }
    await log.close();
  });

  it('recovers every whole row wherever a kill has cut the file', async () => {
    const whole = [{ a: 1 }, { b: [1, { c: 'é}' }] }, { d: null }];
    const text = Buffer.from(whole.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const path = freshPath();
    for (let cut = 0; cut <= text.length; cut += 1) {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, text.subarray(0, cut));
      const log = await JsonLines.open(path);
      await log.write({ next: true });
      await log.close();
      // The rows whose last brace lies before the cut.
      let end = 0;
      const kept = whole.filter((row) => {
        end += Buffer.byteLength(JSON.stringify(row)) + 1;
        return end - 1 <= cut;
      });
      expect(await rows(path)).toEqual([...kept, { next: true }]);
    }
  });

  it('repairs a torn line longer than one read, and one that is all there is', async () => {
    const path = freshPath();
    await (await JsonLines.open(path)).close();
    for (const before of ['', '{"a":1}\n']) {
      await writeFile(path, `${before}{"long":"${'x'.repeat(200_000)}`);
      await (await JsonLines.open(path)).close();
      expect(await readFile(path, 'utf8')).toBe(before);
      await writeFile(path, `${before}{"long":"${'x'.repeat(200_000)}"}`);
      await (await JsonLines.open(path)).close();
      expect((await rows(path)).at(-1).long).toHaveLength(200_000);
    }
  });

  it('cuts a half-written row off when the disk is full, and says so at every later call', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    await log.write({ n: 1 });
    const handle = await open(path, 'r');
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    vi.spyOn(prototype, 'appendFile').mockImplementation(async (bytes) => {
      await appendFile(path, (bytes as Buffer).subarray(0, 5));
      throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
    });
    const message = `Could not write ${path}: no space left on the disk (ENOSPC)`;
    const both = [log.write({ n: 2 }), log.write({ n: 3 })].map((write) => expect(write).rejects.toThrow(message));
    await Promise.all(both);
    await expect(log.write({ n: 4 })).rejects.toThrow(message);
    await expect(log.flush()).rejects.toThrow(message);
    await expect(log.close()).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe('{"n":1}\n');
  });

  it.skipIf(!existsSync('/dev/full'))('reports a real full device', async () => {
    const log = await JsonLines.open('/dev/full');
    await expect(log.write({ n: 1 })).rejects.toThrow('Could not write /dev/full: no space left on the disk (ENOSPC)');
    await expect(log.close()).rejects.toBeInstanceOf(JsonLinesError);
  });

  it('says why a file cannot be opened', async () => {
    await expect(JsonLines.open(folder)).rejects.toThrow(`Could not open ${folder}: it is a folder (EISDIR)`);
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(JsonLines.open(join(file, 'log.jsonl'))).rejects.toThrow('a part of its path is a file, not a folder');
  });

  it('rejects a row that JSON cannot hold and writes on', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    await expect(log.write({ n: 1n })).rejects.toThrow('BigInt');
    await log.write({ n: 2 });
    await log.close();
    expect(await rows(path)).toEqual([{ n: 2 }]);
  });
});

describe('jsonLines', () => {
  it('passes a value on when its row is written, in order, and skips what has no row', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    const seen: [number, number][] = [];
    const credits = new Credits(3);
    await lastValueFrom(
      pull([1, 2, 3, 4, 5], credits).pipe(
        jsonLines(log, (n) => (n % 2 ? { n } : undefined)),
        consume(
          async (n: number) => {
            seen.push([n, (await rows(path)).length]);
          },
          { credits },
        ),
      ),
    );
    await log.close();
    expect(seen.map(([n]) => n)).toEqual([1, 2, 3, 4, 5]);
    for (const [n, written] of seen) expect(written).toBeGreaterThanOrEqual(Math.ceil(n / 2));
    expect(await rows(path)).toEqual([{ n: 1 }, { n: 3 }, { n: 5 }]);
  });

  it('makes a failed write the error of the stream and lets the source go', async () => {
    const path = freshPath();
    const log = await JsonLines.open(path);
    await log.close();
    const input = new Subject<object>();
    const outcome = lastValueFrom(input.pipe(jsonLines(log)));
    input.next({ n: 1 });
    await expect(outcome).rejects.toThrow(JsonLinesError);
    expect(input.observed).toBe(false);
  });

  it('writes whatever rows come, as they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 20 }), async (values) => {
        const path = freshPath();
        const log = await JsonLines.open(path);
        expect(await lastValueFrom(from(values).pipe(jsonLines(log), toArray()))).toEqual(values);
        await log.close();
        expect(await rows(path)).toEqual(JSON.parse(JSON.stringify(values)));
      }),
      { numRuns: 30 },
    );
  });
});
