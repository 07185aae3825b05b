import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { attempt, Credits, orderedMap, pull } from '../../../operators/index.js';
import {
  type ClipSource,
  compiledModule,
  RecipeError,
  SampleError,
  SynthesisPool,
  type SynthesisTask,
  synthesisePair,
  trainingRecipe,
  WorkerDiedError,
} from '../../../workers/index.js';
import { syntheticClip, writeClip } from '../syntheticClip.js';

const recipe = trainingRecipe({ img_size: 32, num_segments: 1, frames_per_segment: 4 });
let folder: string;
let source: ClipSource;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'));
  source = await writeClip(folder, syntheticClip({ id: 'clip', frames: 6, size: 48 }));
});
afterAll(() => rm(folder, { recursive: true }));

const task = (position: number): SynthesisTask => ({ source, key: { seed: 9, epoch: 2, position }, recipe });

/** A worker module that misbehaves as its task's position says, and else works. */
async function faultyWorker(): Promise<string> {
  const file = join(folder, 'faulty.mjs');
  const real = compiledModule('../../../workers/pool/synthesisWorker.js', import.meta.url);
  await writeFile(
    file,
    `import work from ${JSON.stringify(real)};
export default async (task) => {
  if (task.key.position === 1) process.exit(7);
  if (task.key.position === 2) setTimeout(() => { throw new Error('out of nowhere'); }, 1);
  if (task.key.position === 3) { const hoard = []; for (;;) hoard.push(new Array(1e5).fill(0).map(Math.sqrt)); }
  if (task.key.position >= 1) await new Promise((resolve) => setTimeout(resolve, 60_000));
  return work(task);
};`,
  );
  return file;
}

/** A worker module that misbehaves (the first time it sees a position, or always) and then works. */
async function moodyWorker(name: string, mood: string, when: 'once' | 'always' = 'once'): Promise<string> {
  const file = join(folder, `${name}.mjs`);
  const real = compiledModule('../../../workers/pool/synthesisWorker.js', import.meta.url);
  await writeFile(
    file,
    `import { mkdirSync } from 'node:fs';
import work from ${JSON.stringify(real)};
const first = (position) => {
  try {
    mkdirSync(${JSON.stringify(join(folder, name))} + '-' + position);
    return true;
  } catch {
    return false;
  }
};
export default async (task) => {
  if (${when === 'always'} || first(task.key.position)) {
    ${mood}
  }
  return work(task);
};`,
  );
  return file;
}

async function withPool<T>(
  options: ConstructorParameters<typeof SynthesisPool>[0],
  use: (pool: SynthesisPool) => Promise<T>,
): Promise<T> {
  const pool = new SynthesisPool(options);
  try {
    return await use(pool);
  } finally {
    await pool.destroy();
  }
}

describe('SynthesisPool', () => {
  it('gives the same bytes with one thread, with two and in process', async () => {
    const positions = [0, 1, 2, 3, 4, 5];
    const here = await Promise.all(positions.map((p) => synthesisePair(task(p))));
    for (const threads of [1, 2])
      await withPool({ threads }, async (pool) => {
        expect(pool.threads).toBe(threads);
        const there = await Promise.all(positions.map((p) => pool.run(task(p))));
        positions.forEach((p) => {
          expect(Buffer.compare(there[p]!.bytes, here[p]!.bytes)).toBe(0);
          expect(there[p]!.shape).toEqual([4, 32, 32, 3]);
          expect(there[p]!.counters).toEqual(here[p]!.counters);
          // Moved, not cloned from a larger buffer: the pair owns exactly its bytes.
          expect(there[p]!.bytes.buffer.byteLength).toBe(there[p]!.bytes.length);
        });
      });
  });

  it('brings sample errors and recipe errors back whole', async () => {
    await withPool({ threads: 1 }, async (pool) => {
      const missing = { ...task(0), source: { ...source, landmarks: join(folder, 'none.npz') } };
      const error = await pool.run(missing).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(SampleError);
      expect(error).toMatchObject({ clip: 'clip', stage: 'read', reason: expect.stringContaining('does not exist') });
      const wrong = { ...task(0), recipe: { stages: [{ stage: 'nothing', params: {} }] } };
      await expect(pool.run(wrong)).rejects.toThrow(RecipeError);
      // The thread lives on.
      expect((await pool.run(task(0))).id).toBe('clip');
    });
  });

  it('reports a dead thread as such, with its clip, and goes on with a new one', async () => {
    const workerFile = await faultyWorker();
    await withPool({ threads: 1, workerFile }, async (pool) => {
      for (const [position, reason] of [
        [1, 'exited with code: 7'],
        [2, 'out of nowhere'],
      ] as const) {
        const error = await pool.run(task(position)).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(WorkerDiedError);
        expect(error).toMatchObject({ clip: 'clip', retryable: true });
        expect((error as Error).message).toContain(reason);
        expect((await pool.run(task(0))).id).toBe('clip');
      }
    });
  });

  it('ends a thread that takes more memory than it may', async () => {
    const workerFile = await faultyWorker();
    const resourceLimits = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 8 };
    await withPool({ threads: 1, workerFile, resourceLimits }, async (pool) => {
      await expect(pool.run(task(3))).rejects.toBeInstanceOf(WorkerDiedError);
      expect((await pool.run(task(0))).id).toBe('clip');
    });
  });

  it('stops when asked to, before and during the work', async () => {
    const workerFile = await faultyWorker();
    await withPool({ threads: 1, workerFile }, async (pool) => {
      const reason = new Error('no longer needed');
      const controller = new AbortController();
      const running = pool.run(task(10), { signal: controller.signal });
      const waiting = pool.run(task(11), { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 300);
      await expect(running).rejects.toBe(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(pool.run(task(0), { signal: controller.signal })).rejects.toBe(reason);
      expect((await pool.run(task(0), { signal: new AbortController().signal })).id).toBe('clip');
    });
  });

  it('rejects what is under way when it is destroyed, and everything after', async () => {
    const pool = new SynthesisPool({ threads: 1, workerFile: await faultyWorker() });
    const running = pool.run(task(10)).catch((e: Error) => e.message);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await pool.destroy();
    expect(await running).toContain('the SynthesisPool was destroyed');
    await expect(pool.run(task(0))).rejects.toThrow('Expected a running SynthesisPool but it was destroyed');
  });

  it('ends a thread that hangs, frees its place and makes the same bytes at the second attempt', async () => {
    const here = await synthesisePair(task(0));
    const workerFile = await moodyWorker('hang', `for (;;);`);
    await withPool({ threads: 1, workerFile, taskTimeoutMs: 5000 }, async (pool) => {
      const failures: unknown[] = [];
      const outcome = await attempt(task(0), (item, signal) => pool.run(item, { signal }), {
        isRetryable: (error) => error instanceof WorkerDiedError,
        onFailure: ({ error }) => failures.push(error),
      });
      expect(failures).toHaveLength(1);
      expect(failures[0]).toBeInstanceOf(WorkerDiedError);
      expect((failures[0] as Error).message).toContain('clip: the worker thread died (no answer within 5000 ms)');
      expect(outcome).toMatchObject({ ok: true, attempts: 2 });
      if (outcome.ok) expect(Buffer.compare(outcome.value.bytes, here.bytes)).toBe(0);
      expect(pool.usage).toMatchObject({ tasks: 1, died: 1, recycled: 0 });
    });
  });

  it('starts the clock of a task with its work, not with its wait for a thread', async () => {
    const workerFile = await moodyWorker(
      'slow',
      `await new Promise((resolve) => setTimeout(resolve, 1200));`,
      'always',
    );
    await withPool({ threads: 1, workerFile, taskTimeoutMs: 4000 }, async (pool) => {
      const began = performance.now();
      const pairs = await Promise.all([1, 2, 3, 4].map((position) => pool.run(task(position))));
      expect(performance.now() - began).toBeGreaterThan(4800);
      expect(pairs).toHaveLength(4);
      expect(pool.usage.died).toBe(0);
    });
  });

  it('begins tasks in the order in which they came, whatever is aborted in between', async () => {
    await withPool({ threads: 1 }, async (pool) => {
      const done: number[] = [];
      const controller = new AbortController();
      const runs = [0, 1, 2, 3, 4, 5].map((position) =>
        pool
          .run(task(position), position === 3 ? { signal: controller.signal } : {})
          .then(() => done.push(position))
          .catch(() => {}),
      );
      controller.abort(new Error('not this one'));
      await Promise.all(runs);
      expect(done).toEqual([0, 1, 2, 4, 5]);
      expect(pool.usage.died).toBe(0);
    });
  });

  it('rejects tasks beyond the queue it was given', async () => {
    await withPool({ threads: 1, maxQueue: 1 }, async (pool) => {
      const runs = [0, 1, 2].map((position) => pool.run(task(position)));
      await expect(runs[2]).rejects.toThrow('Expected at most 1 waiting tasks but received another');
      expect((await Promise.all(runs.slice(0, 2))).map(({ id }) => id)).toEqual(['clip', 'clip']);
    });
  });

  it('replaces threads after so many tasks without losing one', async () => {
    const here = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((p) => synthesisePair(task(p))));
    await withPool({ threads: 2, recycleAfter: 2 }, async (pool) => {
      const there = await Promise.all(here.map((_, p) => pool.run(task(p))));
      there.forEach((pair, p) => {
        expect(Buffer.compare(pair.bytes, here[p]!.bytes)).toBe(0);
      });
      expect(pool.usage).toMatchObject({ tasks: 7, died: 0 });
      expect(pool.usage.recycled).toBeGreaterThanOrEqual(2);
    });
  });

  it('replaces a thread that holds too much memory, typed arrays included', async () => {
    const hoard = `globalThis.hoard = (globalThis.hoard ?? []).concat(new Uint8Array(20e6).fill(1));`;
    const workerFile = await moodyWorker('hoard', hoard, 'always');
    const positions = Array.from({ length: 20 }, (_, position) => position);
    await withPool({ threads: 1, workerFile, recycleBytes: 200e6 }, async (pool) => {
      for (const position of positions) await pool.run(task(position));
      expect(pool.usage).toMatchObject({ tasks: 20, died: 0, recycled: 1 });
      expect(pool.usage.maxHeldBytes).toBeGreaterThan(16 * 20e6);
      expect(pool.usage.maxHeldBytes).toBeLessThan(17 * 20e6 + 100e6);
    });
    await withPool({ threads: 1 }, async (pool) => {
      for (const position of positions) await pool.run(task(position));
      expect(pool.usage.recycled).toBe(0);
      expect(pool.usage.maxHeldBytes).toBeLessThan(100e6);
      expect(pool.usage.busyMs).toBeGreaterThan(0);
    });
  });

  it('says so each time when its threads cannot start, and does not hang', async () => {
    const workerFile = join(folder, 'broken.mjs');
    await writeFile(workerFile, `throw new Error('no such library');`);
    await withPool({ threads: 2, workerFile }, async (pool) => {
      for (const position of [0, 1, 2]) {
        const error = await pool.run(task(position)).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(WorkerDiedError);
        expect((error as Error).message).toContain('no such library');
      }
    });
  });

  it('adjusts the number of threads to what it is told of the consumer', async () => {
    const workerFile = await moodyWorker('nap', `await new Promise((resolve) => setTimeout(resolve, 100));`, 'always');
    const tunings: { threads: number; reason: string }[] = [];
    const onTuning = (tuning: { threads: number; reason: string }) => tunings.push(tuning);
    const clock = vi.spyOn(performance, 'now');
    let ahead = 0;
    const real = Date.now();
    clock.mockImplementation(() => Date.now() - real + ahead);
    try {
      await withPool({ threads: 'auto', cores: 6, workerFile, onTuning }, async (pool) => {
        expect([pool.threads, pool.maxThreads]).toEqual([4, 5]);
        pool.observe({ pairs: 0, waitMs: 0 });
        await Promise.all(Array.from({ length: 12 }, (_, position) => pool.run(task(position))));
        ahead += 12_000;
        // 12 pairs in about 0.3 s of work while 100 ms each: the trainer takes some 40 a second.
        pool.observe({ pairs: 12, waitMs: performance.now() - 300 });
        expect(pool.threads).toBe(5);
        expect(tunings).toEqual([{ threads: 5, reason: expect.stringContaining('pairs/s') }]);
        const slow = { pairs: 12, waitMs: performance.now() };
        for (let window = 0; window < 2; window++) {
          await Promise.all(Array.from({ length: 2 * 5 }, (_, position) => pool.run(task(position))));
          ahead += 60_000;
          slow.pairs += 1;
          pool.observe(slow);
        }
        expect(pool.threads).toBe(1);
        expect((await pool.run(task(0))).id).toBe('clip');
      });
    } finally {
      clock.mockRestore();
    }
  });

  it('keeps order and loses nothing while its threads crash and dawdle', async () => {
    const positions = Array.from({ length: 24 }, (_, position) => position);
    const here = await Promise.all(positions.map((p) => synthesisePair(task(p))));
    const workerFile = await moodyWorker(
      'chaos',
      `if (task.key.position % 5 === 1) process.exit(1);
       if (task.key.position % 5 === 2) { setTimeout(() => { throw new Error('bang'); }, 1); await new Promise(() => {}); }
       await new Promise((resolve) => setTimeout(resolve, (task.key.position * 37) % 90));`,
    );
    await withPool({ threads: 3, workerFile, recycleAfter: 5 }, async (pool) => {
      const made: Buffer[] = [];
      const credits = new Credits(6);
      await pull(positions, credits)
        .pipe(
          orderedMap(
            (position, _, signal) =>
              attempt(position, (p, abort) => pool.run(task(p), { signal: abort }), { attempts: 2 }, signal),
            { concurrency: 3 },
          ),
        )
        .forEach((outcome) => {
          credits.give();
          expect(outcome).toMatchObject({ ok: true });
          if (outcome.ok) made.push(Buffer.from(outcome.value.bytes));
        });
      expect(made.map((bytes, p) => Buffer.compare(bytes, here[p]!.bytes))).toEqual(positions.map(() => 0));
      expect(pool.usage).toMatchObject({ tasks: 24, died: 5 + 5 });
    });
  });

  it.skipIf(process.platform !== 'linux')('leaves no thread behind', async () => {
    const threads = async () => (await readdir('/proc/self/task')).length;
    await withPool({ threads: 2 }, (pool) => pool.run(task(0)));
    const before = await threads();
    for (let round = 0; round < 3; round++)
      await withPool({ threads: 2 }, async (pool) => {
        const controller = new AbortController();
        const runs = [0, 1, 2].map((p) => pool.run(task(p), { signal: controller.signal }).catch(() => {}));
        controller.abort();
        await Promise.all([...runs, pool.run(task(0))]);
      });
    expect(await threads()).toBeLessThanOrEqual(before);
  });

  it('refuses numbers of threads that are none', () => {
    expect(() => new SynthesisPool({ threads: 0 })).toThrow(
      'Expected a positive whole number for threads but received 0',
    );
  });
});
