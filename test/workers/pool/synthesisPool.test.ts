import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('refuses numbers of threads that are none', () => {
    expect(() => new SynthesisPool({ threads: 0 })).toThrow(
      'Expected a positive whole number for threads but received 0',
    );
  });
});
