import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HostTensor, readCheckpoint } from '../../../model/index.js';
import { olderCheckpoints } from '../../../pipeline/run/olderCheckpoints.js';
import { RunFolder } from '../../../pipeline/run/runFolder.js';
import { saveCheckpoint } from '../../../pipeline/run/saveCheckpoint.js';
import { readNewest } from '../../../pipeline/training/readNewest.js';
import { wholeState } from './wholeState.js';

/*
 * A process that is killed does nothing any more: from call number `at` on, every call to the file system fails before
 * it has any effect, those that clean up included. `half`: the fatal call, if it writes, has taken half of its bytes.
 */
const death = vi.hoisted(() => ({ at: Number.POSITIVE_INFINITY, calls: 0, half: false, names: [] as string[] }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const dead = () => new Error('killed');
  const step = (name: string) => {
    death.names.push(name);
    death.calls++;
    if (death.calls >= death.at) throw dead();
  };
  const handleOf = (handle: import('node:fs/promises').FileHandle) =>
    new Proxy(handle, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== 'function') return value;
        if (!['writeFile', 'sync', 'close'].includes(String(key))) return value.bind(target);
        return async (...args: unknown[]) => {
          const wasAlive = death.calls < death.at;
          try {
            step(`handle.${String(key)}`);
          } catch (error) {
            if (key === 'close') await target.close(); // the system does that for the dead
            if (key === 'writeFile' && death.half && wasAlive) {
              const bytes = Buffer.from(args[0] as Uint8Array);
              await target.writeFile(bytes.subarray(0, bytes.length >> 1));
            }
            throw error;
          }
          return value.apply(target, args);
        };
      },
    });
  const counted = Object.fromEntries(
    (['open', 'rename', 'rm', 'link', 'mkdir', 'readdir', 'copyFile'] as const).map((name) => [
      name,
      async (...args: unknown[]) => {
        step(name);
        const result = await (real[name] as (...args: unknown[]) => Promise<unknown>)(...args);
        return name === 'open' ? handleOf(result as import('node:fs/promises').FileHandle) : result;
      },
    ]),
  );
  return { ...real, ...counted };
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'save-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const KEEP = 2;
const tensorsOf = (step: number): Map<string, HostTensor> =>
  new Map([['weights', { dtype: 'F32', shape: [1000], data: new Float32Array(1000).fill(step) }]]);

/** Saves the state of a step after that of the step before. */
const save = (checkpoints: string, step: number) =>
  saveCheckpoint(
    {
      folder: checkpoints,
      names: ['last'],
      state: wholeState(step),
      older: { step: step - 1 || undefined, keep: KEEP },
    },
    tensorsOf(step),
  );

const BEST = ['best', 'phase_a_best'];
/** Saves the best one so far, as a run does after a validation. */
const saveBest = (checkpoints: string, step: number) =>
  saveCheckpoint({ folder: checkpoints, names: BEST, state: wholeState(step) }, tensorsOf(step));

function live(): void {
  death.at = Number.POSITIVE_INFINITY;
  death.calls = 0;
  death.names.length = 0;
}

async function expectWhole(run: RunFolder, steps: number[]): Promise<number> {
  const newest = (await readNewest(await run.resumable()))!;
  expect(steps).toContain(newest.state.step);
  expect(newest.passedOver).toEqual([]);
  return newest.state.step;
}

describe('a checkpoint', () => {
  it('keeps so many older ones, and they are what they were', async () => {
    live();
    const run = await RunFolder.at(join(folder, 'kept'));
    for (const step of [1, 2, 3, 4, 5]) await save(run.checkpoints, step);
    const older = await olderCheckpoints(run.checkpoints);
    expect(older.map(({ step }) => step)).toEqual([4, 3]);
    for (const { step, file } of older) expect((await readNewest([file]))?.state, file).toMatchObject({ step });
    expect((await readdir(join(run.checkpoints, 'older'))).sort()).toEqual([
      'step-00000003.safetensors',
      'step-00000004.safetensors',
    ]);
    expect(await expectWhole(run, [5])).toBe(5);
  });

  it('that is damaged is told of together with the older ones that were tried', async () => {
    live();
    const run = await RunFolder.at(join(folder, 'all-damaged'));
    for (const step of [1, 2, 3]) await save(run.checkpoints, step);
    const files = await run.resumable();
    const tell = () => readNewest(files).catch((error: Error) => error.message);
    writeFileSync(files[0]!, 'no checkpoint');
    expect(await tell()).toMatchObject({ state: { step: 2 } });
    for (const file of files) writeFileSync(file, 'no checkpoint');
    expect(await tell()).toMatch(
      /last\.safetensors is damaged.*; the older ones were tried, too, and are not usable either: step-00000002\.safetensors, step-00000001\.safetensors$/,
    );
    expect(await readNewest(files.slice(0, 1)).catch((error: Error) => error.message)).not.toContain('older');
  });

  it.each([false, true])(
    'is whole after a kill before any call to the file system (half a write: %s)',
    async (half) => {
      live();
      const counting = await RunFolder.at(join(folder, `counting-${half}`));
      for (const step of [1, 2, 3]) await save(counting.checkpoints, step);
      live();
      await save(counting.checkpoints, 4);
      const calls = death.calls;
      expect(calls).toBeGreaterThan(20);
      expect(death.names).toEqual(expect.arrayContaining(['link', 'rename', 'handle.sync', 'handle.writeFile']));

      const reached = new Set<number>();
      for (let at = 1; at <= calls; at++) {
        live();
        const run = await RunFolder.at(join(folder, `killed-${half}-${at}`));
        for (const step of [1, 2, 3]) await save(run.checkpoints, step);
        live();
        death.at = at;
        death.half = half;
        await save(run.checkpoints, 4).catch(() => {});
        live();
        const step = await expectWhole(run, [3, 4]);
        reached.add(step);
        const { tensors } = await readCheckpoint(run.last);
        expect(tensors).toEqual(tensorsOf(step));
        // The run goes on from there and ends with what an unbroken one has.
        for (let next = step + 1; next <= 6; next++) await save(run.checkpoints, next);
        expect(await expectWhole(run, [6])).toBe(6);
        expect((await olderCheckpoints(run.checkpoints)).map((older) => older.step)).toEqual([5, 4]);
      }
      expect([...reached].sort()).toEqual([3, 4]);
    },
    60_000,
  );

  it.each([false, true])('of the best is the old or the new one after such a kill (half a write: %s)', async (half) => {
    const bestsAt = async (at: number) => {
      const run = await RunFolder.at(join(folder, `best-${half}-${at}`));
      live();
      await save(run.checkpoints, 1);
      await saveBest(run.checkpoints, 1);
      await save(run.checkpoints, 2);
      live();
      death.at = at;
      death.half = half;
      await saveBest(run.checkpoints, 2).catch(() => {});
      const { calls } = death;
      live();
      const steps = [];
      for (const name of BEST) {
        const { tensors, state } = await readCheckpoint(join(run.checkpoints, `${name}.safetensors`));
        const { step } = state as { step: number };
        expect(tensors).toEqual(tensorsOf(step));
        steps.push(step);
      }
      // The one to go on from is not touched, and a run that goes on saves the best again.
      expect(await expectWhole(run, [2])).toBe(2);
      await saveBest(run.checkpoints, 2);
      for (const name of BEST)
        expect((await readCheckpoint(join(run.checkpoints, `${name}.safetensors`))).state).toMatchObject({ step: 2 });
      return { steps, calls };
    };
    const { calls } = await bestsAt(Number.POSITIVE_INFINITY);
    expect(calls).toBeGreaterThan(10);
    const reached = new Set<string>();
    for (let at = 1; at <= calls; at++) reached.add(String((await bestsAt(at)).steps));
    expect([...reached].sort()).toEqual(['1,1', '2,1', '2,2']);
  });
});
