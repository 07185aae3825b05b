import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  Credits,
  consume,
  listRecordings,
  naturalOrder,
  pull,
  Recorder,
  RecordingError,
  readRecording,
  record,
  replay,
} from '../../operators/index.js';

let parent: string;
let next = 0;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'recorder-'));
});
afterAll(() => rm(parent, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});
const freshFolder = () => join(parent, `${next++}`);
const block = (length: number, value = 1) => ({
  header: { value },
  parts: [{ name: 'block', bytes: new Uint8Array(length).fill(value) }],
});
/** What one recording of `length` bytes takes on the disk. */
async function sizeOf(length: number): Promise<number> {
  const recorder = await Recorder.open(freshFolder(), { maxBytes: 1e9 });
  await recorder.write('a.msgpack', block(length));
  await recorder.close();
  return recorder.bytes;
}
const fileHandle = async () => {
  const handle = await open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  return prototype;
};

describe('Recorder', () => {
  it('writes whole files, clears what a killed process left, and leaves others alone', async () => {
    const folder = freshFolder();
    await mkdir(folder);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const [theirs, left] = [process.pid, dead].map((pid) => `x.msgpack.${pid}.${randomUUID()}.tmp`);
    for (const name of [theirs!, left!, 'notes.txt']) await writeFile(join(folder, name), 'x');
    const recorder = await Recorder.open(folder, { maxBytes: 1e6 });
    await recorder.write('a.msgpack', block(10, 3));
    await recorder.write('b.msgpack', block(20, 4));
    await recorder.close();
    await recorder.close();
    expect((await readdir(folder)).sort()).toEqual(['a.msgpack', 'b.msgpack', 'notes.txt', theirs].sort());
    expect((await readRecording(join(folder, 'b.msgpack'))).parts[0]!.bytes).toEqual(Buffer.alloc(20, 4));
    expect([recorder.files, recorder.stopped]).toEqual([2, undefined]);
    const sizes = await Promise.all(['a', 'b'].map(async (name) => (await stat(join(folder, `${name}.msgpack`))).size));
    expect(recorder.bytes).toBe(sizes[0]! + sizes[1]!);
    await expect(recorder.write('c.msgpack', block(1))).rejects.toThrow('the recorder is closed');
  });

  it('lets the bytes be overwritten as soon as write() resolves', async () => {
    const folder = freshFolder();
    const recorder = await Recorder.open(folder, { maxBytes: 1e9, pending: 3 });
    const bytes = new Uint8Array(100_000);
    for (let i = 0; i < 8; i++) {
      bytes.fill(i);
      await recorder.write(`${i}.msgpack`, { header: { i }, parts: [{ name: 'block', bytes }] });
      structuredClone(bytes); // and it is still ours
    }
    await recorder.close();
    for (let i = 0; i < 8; i++)
      expect(
        Buffer.compare((await readRecording(join(folder, `${i}.msgpack`))).parts[0]!.bytes, Buffer.alloc(100_000, i)),
      ).toBe(0);
  });

  it('stops at its bound, once, and counts what lay there before and what is replaced', async () => {
    const size = await sizeOf(1000);
    const folder = freshFolder();
    const first = await Recorder.open(folder, { maxBytes: 1e6 });
    await first.write('a.msgpack', block(1000));
    await first.close();
    const stops: string[] = [];
    const recorder = await Recorder.open(folder, { maxBytes: 2 * size, onStop: (reason) => stops.push(reason) });
    await recorder.write('a.msgpack', block(1000, 2)); // in the place of the old one
    await recorder.write('b.msgpack', block(1000));
    for (const name of ['c', 'd']) await recorder.write(`${name}.msgpack`, block(1000));
    await recorder.write('e.msgpack', block(1)); // would fit, but recordings have no holes
    await recorder.close();
    expect((await readdir(folder)).sort()).toEqual(['a.msgpack', 'b.msgpack']);
    expect(stops).toEqual([
      `with c.msgpack the recordings would take ${3 * size} bytes; at most ${2 * size} are allowed`,
    ]);
    expect(recorder.stopped).toBe(stops[0]);
  });

  it('leaves the disk the space that others may need', async () => {
    const folder = freshFolder();
    const stops: string[] = [];
    const recorder = await Recorder.open(folder, {
      maxBytes: 1e9,
      minFreeBytes: 2 ** 60,
      onStop: (reason) => stops.push(reason),
    });
    await recorder.write('a.msgpack', block(10));
    await recorder.close();
    expect(await readdir(folder)).toEqual([]);
    expect(stops).toEqual([
      expect.stringMatching(/^a\.msgpack needs \d+ bytes and 1152921504606847000 must stay free/),
    ]);
  });

  it.each(['open', 'fsync', 'rename'])('stops when %s fails, and leaves nothing half written', async (what) => {
    const folder = freshFolder();
    const stops: string[] = [];
    const recorder = await Recorder.open(folder, { maxBytes: 1e9, onStop: (reason) => stops.push(reason) });
    await recorder.write('a.msgpack', block(10));
    await recorder.flush();
    const full = Object.assign(new Error('it failed'), { code: 'ENOSPC' });
    if (what === 'open') await rm(folder, { recursive: true });
    if (what === 'rename') await mkdir(join(folder, 'b.msgpack'));
    if (what === 'fsync') vi.spyOn(await fileHandle(), 'sync').mockRejectedValue(full);
    await recorder.write('b.msgpack', block(10));
    await recorder.flush();
    if (what === 'open') await mkdir(folder);
    await recorder.write('c.msgpack', block(10));
    await recorder.flush();
    vi.restoreAllMocks();
    await recorder.write('d.msgpack', block(10));
    await recorder.close();
    const names = (await readdir(folder)).filter((name) => name !== 'b.msgpack');
    expect(names).toEqual(what === 'open' ? [] : ['a.msgpack']);
    expect(stops).toHaveLength(1);
    if (what === 'open') expect(stops[0]).toMatch(/ENOENT/);
    else
      expect(stops).toEqual([
        `could not write ${join(folder, 'b.msgpack')}: ${what === 'rename' ? 'it is a folder (EISDIR)' : 'no space left on the disk (ENOSPC)'}`,
      ]);
  });

  const compiled = new URL('../../dist/operators/index.js', import.meta.url);
  it.skipIf(!existsSync(compiled) || process.platform === 'win32')(
    'survives a real limit on file size (needs npm run build)',
    async () => {
      const folder = freshFolder();
      const script = `
        import { Recorder } from ${JSON.stringify(pathToFileURL(compiled.pathname).href)};
        const recorder = await Recorder.open(${JSON.stringify(folder)}, { maxBytes: 1e9, onStop: (r) => console.log(r) });
        const write = (name, length) => recorder.write(name, { header: {}, parts: [{ name: 'x', bytes: new Uint8Array(length) }] });
        await write('small.msgpack', 10_000);
        await write('large.msgpack', 1_000_000);
        await write('later.msgpack', 10_000);
        await recorder.close();`;
      const { status, stdout, stderr } = spawnSync(
        'bash',
        ['-c', 'ulimit -f 100; exec "$0" --input-type=module -e "$1"', process.execPath, script],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^could not write .*large\.msgpack: .*EFBIG/);
      expect(status).toBe(0);
      expect(await readdir(folder)).toEqual(['small.msgpack']);
      await readRecording(join(folder, 'small.msgpack'));
    },
  );

  it('refuses names that leave the folder, folders that are none, and nonsense', async () => {
    const recorder = await Recorder.open(freshFolder(), { maxBytes: 1e6 });
    for (const name of ['../a.msgpack', 'a/b.msgpack', 'a.bin', '', '.msgpack\0'])
      await expect(recorder.write(name, block(1))).rejects.toThrow(TypeError);
    await recorder.close();
    const file = join(parent, 'file');
    await writeFile(file, '');
    await expect(Recorder.open(file, { maxBytes: 1 })).rejects.toThrow(RecordingError);
    await expect(Recorder.open(freshFolder(), { maxBytes: 0 })).rejects.toThrow('positive number for maxBytes');
    await expect(Recorder.open(freshFolder(), { maxBytes: 1, pending: 0 })).rejects.toThrow('integer for pending');
  });
});

describe('record', () => {
  const named = (n: number) => ({ name: `step-${n}.msgpack`, ...block(n, n) });

  it('passes every value on in order, writes those that are described, and completes when they are on the disk', async () => {
    const folder = freshFolder();
    const recorder = await Recorder.open(folder, { maxBytes: 1e9 });
    const passed = await lastValueFrom(
      from([1, 2, 3, 4, 5]).pipe(
        record(recorder, (n) => (n % 2 ? named(n) : undefined)),
        toArray(),
      ),
    );
    expect(passed).toEqual([1, 2, 3, 4, 5]);
    expect((await readdir(folder)).sort()).toEqual(['step-1.msgpack', 'step-3.msgpack', 'step-5.msgpack']);
    await recorder.close();
  });

  it('waits when more files than allowed are not on the disk yet, and no sooner', async () => {
    const recorder = await Recorder.open(freshFolder(), { maxBytes: 1e9, pending: 2 });
    const synced: (() => void)[] = [];
    vi.spyOn(await fileHandle(), 'sync').mockImplementation(() => new Promise<void>((resolve) => synced.push(resolve)));
    const watched = lastValueFrom(from([1, 2, 3, 4]).pipe(record(recorder, named), toArray()));
    let finished = false;
    void watched.then(() => {
      finished = true;
    });
    await vi.waitFor(() => expect(synced).toHaveLength(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(synced).toHaveLength(2);
    while (!finished) {
      for (const release of synced.splice(0)) release();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await watched).toEqual([1, 2, 3, 4]);
    expect(recorder.files).toBe(4);
  });

  it('lets the flow go on when recording has stopped', async () => {
    const folder = freshFolder();
    const recorder = await Recorder.open(folder, { maxBytes: 400 });
    const described: number[] = [];
    const passed = lastValueFrom(
      from(Array.from({ length: 50 }, (_, n) => n + 1)).pipe(
        record(recorder, (n) => {
          described.push(n);
          return named(n);
        }),
        toArray(),
      ),
    );
    expect(await passed).toHaveLength(50);
    expect(described.length).toBeLessThan(8);
    expect((await readdir(folder)).length).toBe(recorder.files);
    await recorder.close();
  });

  it('leaves whole files and no drafts when cancelled at any point', async () => {
    for (const count of [1, 2, 3]) {
      const folder = freshFolder();
      const recorder = await Recorder.open(folder, { maxBytes: 1e9 });
      await lastValueFrom(from([1, 2, 3, 4]).pipe(record(recorder, named), take(count)));
      await recorder.close();
      const names = await readdir(folder);
      expect(names.length).toBeGreaterThanOrEqual(count);
      for (const name of names) await readRecording(join(folder, name));
    }
  });

  it('makes what cannot be recorded the error of the stream', async () => {
    const recorder = await Recorder.open(freshFolder(), { maxBytes: 1e9 });
    const draft = { name: 'a.msgpack', header: { when: new Date() }, parts: [] };
    await expect(lastValueFrom(from([1]).pipe(record(recorder, () => draft)))).rejects.toThrow('plain data for header');
    await recorder.close();
  });
});

describe('replay', () => {
  it('gives back what was recorded, in natural order, no further ahead than there are credits', async () => {
    const folder = freshFolder();
    const recorder = await Recorder.open(folder, { maxBytes: 1e9 });
    const steps = [1, 2, 3, 9, 10, 11, 100];
    for (const n of [...steps].reverse()) await recorder.write(`step-${n}-micro-0.msgpack`, block(n, n));
    await recorder.close();
    await writeFile(join(folder, 'step-5.tmp'), 'x');
    const credits = new Credits(2);
    let read = 0;
    let used = 0;
    const opened = replay(await listRecordings(folder));
    const counted = (async function* () {
      for await (const recording of opened) {
        read += 1;
        expect(read - used).toBeLessThanOrEqual(2);
        yield recording;
      }
    })();
    const names: string[] = [];
    await lastValueFrom(
      pull(counted, credits).pipe(
        consume(
          async ({ name, parts, header }) => {
            expect(parts[0]!.bytes.length).toBe(header.value);
            names.push(name);
            used += 1;
          },
          { credits },
        ),
      ),
    );
    expect(names).toEqual(steps.map((n) => `step-${n}-micro-0.msgpack`));
  });

  it('stops at a damaged file and names it', async () => {
    const folder = freshFolder();
    const recorder = await Recorder.open(folder, { maxBytes: 1e9 });
    for (const n of [1, 2, 3]) await recorder.write(`${n}.msgpack`, block(50, n));
    await recorder.close();
    const file = join(folder, '2.msgpack');
    await writeFile(file, (await readFile(file)).subarray(0, 90));
    const seen: string[] = [];
    const reading = async () => {
      for await (const { name } of replay(await listRecordings(folder))) seen.push(name);
    };
    await expect(reading()).rejects.toMatchObject({ name: 'RecordingError', file, offset: 90 });
    expect(seen).toEqual(['1.msgpack']);
  });

  it('says what it expected where there is nothing to replay', async () => {
    const folder = freshFolder();
    await mkdir(folder);
    await expect(listRecordings(folder)).rejects.toThrow('expected files named *.msgpack but found none');
    await expect(listRecordings(join(folder, 'none'))).rejects.toThrow(/expected a recording or a folder of them/);
  });

  it('orders any names the same way, whatever order they come in', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-c0-3-]{1,6}$/)), (names) => {
        const sorted = [...names].sort(naturalOrder);
        expect([...names].reverse().sort(naturalOrder)).toEqual(sorted);
      }),
    );
    expect(['b', 'a10', 'a9', 'a09'].sort(naturalOrder)).toEqual(['a09', 'a9', 'a10', 'b']);
  });
});
