import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openDataRoot } from '../../../pipeline/data/dataRoot.js';
import { DataLostError, DataWatch, type DataWatchOptions } from '../../../pipeline/data/dataWatch.js';
import { type ClipSource, SampleError, WorkerDiedError } from '../../../workers/index.js';

let folder: string;
let root: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-watch-'));
  root = join(folder, 'data');
  await mkdir(root);
  for (const id of ['a', 'b'])
    for (const kind of ['crops', 'landmarks']) await writeFile(join(root, `${id}_${kind}.npz`), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const task = { source: { id: 'a' } as ClipSource };
const missing = () => new SampleError('a', 'read', 'crops file a does not exist');
const never = new AbortController().signal;

async function watch(options: Partial<DataWatchOptions> = {}) {
  const said: string[] = [];
  const made = new DataWatch(await openDataRoot(root), {
    ...{ limitMs: 5000, everyMs: 5 },
    onLost: () => said.push('lost'),
    onBack: () => said.push('back'),
    ...options,
  });
  return { made, said };
}

describe('DataWatch', () => {
  it('waits for a root that is gone and tries all clips again when it is back', async () => {
    const { made, said } = await watch();
    await rename(root, `${root}-away`);
    let away = true;
    const read = made.guard(async () => {
      if (away) throw missing();
      return 'pair';
    });
    const pairs = Promise.all([read(task, never), read(task, never), read(task, never)]);
    setTimeout(() => {
      away = false;
      void rename(`${root}-away`, root);
    }, 60);
    expect(await pairs).toEqual(['pair', 'pair', 'pair']);
    expect(said).toEqual(['lost', 'back']);
  });

  it.each(['mix_frames', 'exchange'])(
    'waits as well where other clips than the own cannot be read (%s)',
    async (stage) => {
      const { made, said } = await watch();
      await rename(root, `${root}-away`);
      let calls = 0;
      const read = made.guard(async () => {
        if (calls++ === 0) throw new SampleError('a', stage, 'none of 8 other clips could be used');
        return 'pair';
      });
      const pair = read(task, never);
      setTimeout(() => void rename(`${root}-away`, root), 60);
      expect(await pair).toBe('pair');
      expect([calls, said]).toEqual([2, ['lost', 'back']]);
    },
  );

  it('looks a second time where donors seem missing', async () => {
    const { made } = await watch();
    let calls = 0;
    const read = made.guard(async () => {
      calls++;
      throw new SampleError('a', 'exchange', 'the last was b: read: crops file b does not exist');
    });
    await expect(read(task, never)).rejects.toThrow('does not exist');
    expect(calls).toBe(2);
  });

  it('takes an empty folder, which a lost mount leaves behind, for a root that is gone', async () => {
    const { made, said } = await watch({ limitMs: 30 });
    await rm(root, { recursive: true });
    await mkdir(root);
    const read = made.guard(async () => {
      throw missing();
    });
    await expect(read(task, never)).rejects.toThrow(DataLostError);
    await expect(read(task, never)).rejects.toThrow(/did not come back within/); // at once
    expect(said).toEqual(['lost']);
  });

  it('leaves a broken clip to be quarantined; one that seems missing is looked for a second time', async () => {
    const { made, said } = await watch();
    let calls = 0;
    const fails = (error: Error) =>
      made.guard(async () => {
        calls++;
        throw error;
      })(task, never);
    await expect(fails(new SampleError('a', 'read', 'not a readable zip archive'))).rejects.toThrow('zip archive');
    expect(calls).toBe(1);
    await expect(fails(missing())).rejects.toThrow('does not exist');
    expect(calls).toBe(3);
    await expect(fails(new SampleError('a', 'blend', 'no face'))).rejects.toThrow('no face');
    await expect(fails(new WorkerDiedError('a', 'no answer within 5 ms'))).rejects.toThrow(WorkerDiedError);
    await expect(fails(new Error('a bug'))).rejects.toThrow('a bug');
    expect(said).toEqual([]);
  });

  it('stops waiting when it is told to', async () => {
    const { made } = await watch({ limitMs: 60_000, everyMs: 60_000 });
    await rm(root, { recursive: true });
    const controller = new AbortController();
    const read = made.guard(async () => {
      throw missing();
    })(task, controller.signal);
    setTimeout(() => controller.abort(new Error('stopped')), 30);
    await expect(read).rejects.toThrow('stopped');
  });
});
