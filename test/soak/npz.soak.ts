import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyedGenerator, type NpyArray, NpzError, readClip, readNpz, SampleError } from '../../workers/index.js';
import { damaged, strangeNpz } from '../workers/npz/mutations.js';
import { fixture } from '../workers/reference.js';
import { syntheticClip, writeClip } from '../workers/syntheticClip.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 12);
const SEED = Number(process.env.SOAK_SEED ?? 1);
/** Small, so that going over them shows. */
const limits = { maxFileBytes: 2 ** 20, maxArrayBytes: 2 ** 18, maxTotalBytes: 2 ** 19, maxArrays: 64 };
/** Names, headers and what Node allocates for itself. */
const SLACK = 2 ** 18;
/** A reader that takes longer than this for a file of a few kilobytes hangs for all we know. */
const PATIENCE_MS = 30_000;
/** The same in CPU time, which a busy machine does not stretch. */
const PATIENCE_CPU_MS = 2000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npz-soak-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Largest single request for memory since it was last set to 0, zlib's and the file system's own included. */
let largest = 0;
for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
  const real = Buffer[name].bind(Buffer) as (size: number) => Buffer<ArrayBuffer>;
  Buffer[name] = (size: number) => {
    largest = Math.max(largest, size);
    return real(size);
  };
}

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const sizeOf = (arrays: Iterable<NpyArray>): number => [...arrays].reduce((sum, { data }) => sum + data.byteLength, 0);

it(`survives ${MINUTES} minutes of damaged archives`, async () => {
  const clip = await writeClip(folder, syntheticClip({ id: 'fuzzed', frames: 4, size: 20 }));
  const files = ['npz_stored.npz', 'npz_compressed.npz', 'npz_zip64.npz', 'npz_version2.npz', 'npz_object.npz'];
  const seeds = await Promise.all([...files.map(fixture), clip.crops, clip.landmarks].map((path) => readFile(path)));
  const path = join(folder, 'case.npz');
  const other = { landmarks: clip.landmarks, crops: clip.crops };
  const counts = { cases: 0, read: 0, refused: 0, clips: 0, slowestMs: 0, slowestCpuMs: 0 };
  const reasons = new Map<string, number>();
  const begun = performance.now();
  const rss0 = process.memoryUsage.rss();
  let escaped: unknown;
  process.on('uncaughtException', (error) => {
    escaped = error;
  });
  for (let n = 0; performance.now() - begun < MINUTES * 60_000; n++) {
    const random = keyedGenerator(SEED, 'npz soak', n);
    const base = random.chance(0.35) ? strangeNpz(random) : seeds[random.integer(0, seeds.length - 1)]!;
    const bytes = random.chance(0.1) ? base : damaged(base, random);
    await writeFile(path, bytes);
    const what = `case ${n} of seed ${SEED}`;
    const at = performance.now();
    const cpu = process.cpuUsage();
    largest = 0;
    const arrays = await inTime(readNpz(path, { limits }), what).catch((error: unknown) => {
      expect(error, what).toBeInstanceOf(NpzError);
      const { message } = error as Error;
      expect(message.length, what).toBeLessThan(400);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a file must not be able to write to the terminal
      expect(message, what).not.toMatch(/[\x00-\x1f\x7f]/);
      const reason = message
        .replace(/'[^']*'/g, "'…'")
        .replace(/\d+/g, '0')
        .slice(0, 60);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      counts.refused++;
    });
    expect(largest, what).toBeLessThanOrEqual(Math.max(limits.maxFileBytes, limits.maxArrayBytes) + SLACK);
    if (arrays) {
      counts.read++;
      for (const { shape, data } of arrays.values())
        expect(data.length, what).toBe(shape.reduce((product, extent) => product * extent, 1));
      expect(sizeOf(arrays.values()), what).toBeLessThanOrEqual(limits.maxTotalBytes);
    }
    for (const part of ['crops', 'landmarks'] as const) {
      const read = readClip({ id: 'fuzzed', ...other, [part]: path }, limits);
      const stored = await inTime(read, what).catch((error: unknown) => {
        expect(error, what).toBeInstanceOf(SampleError);
      });
      if (!stored) continue;
      counts.clips++;
      expect(stored.pixels.length, what).toBe(stored.frames * stored.height * stored.width * 3);
      expect(stored.landmarks.length, what).toBe(stored.frames * stored.points * 2);
      expect(stored.landmarks.every(Number.isFinite), what).toBe(true);
    }
    counts.cases++;
    const used = process.cpuUsage(cpu);
    counts.slowestCpuMs = Math.max(counts.slowestCpuMs, (used.user + used.system) / 1000);
    expect(counts.slowestCpuMs, what).toBeLessThan(PATIENCE_CPU_MS);
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - at);
    if (n % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(escaped, what).toBeUndefined();
  }
  globalThis.gc?.();
  console.log(counts, { rssGrowthMb: (process.memoryUsage.rss() - rss0) / 2 ** 20 });
  console.log([...reasons].sort((a, b) => b[1] - a[1]).slice(0, 60));
});
