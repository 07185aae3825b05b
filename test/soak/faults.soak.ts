import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Credits, orderedMap, pull, retryThenQuarantine } from '../../operators/index.js';
import {
  type ClipSource,
  compiledModule,
  SampleError,
  SynthesisPool,
  type SynthesisPoolOptions,
  type SynthesisTask,
  trainingRecipe,
  WorkerDiedError,
} from '../../workers/index.js';
import { npy, npz, syntheticClip, writeClip } from '../workers/syntheticClip.js';

const SAMPLES = Number(process.env.SOAK_SAMPLES ?? 10_000);
const THREADS = Number(process.env.SOAK_THREADS ?? 2);
const PAUSE_SECONDS = Number(process.env.SOAK_PAUSE ?? 60);
const GOOD = 40;
const FRAMES = 6;
const SIDE = 64;
const CREDITS = THREADS + 16;
const recipe = trainingRecipe({ img_size: 48, num_segments: 1, frames_per_segment: 4 });

let folder: string;
const good: ClipSource[] = [];
/** A source for each of ten kinds of damage, and what is said of it. */
const broken: { source: ClipSource; reason: RegExp }[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  for (let n = 0; n < GOOD; n++)
    good.push(await writeClip(folder, syntheticClip({ id: `good${n}`, frames: FRAMES, size: SIDE })));
  const clip = syntheticClip({ id: 'model', frames: FRAMES, size: SIDE });
  const model = await writeClip(folder, clip);
  const crops = await readFile(model.crops);
  const damage = async (id: string, reason: RegExp, files: { crops?: Uint8Array; landmarks?: Uint8Array }) => {
    const source = { id, crops: join(folder, `${id}_crops.npz`), landmarks: join(folder, `${id}_landmarks.npz`) };
    await writeFile(source.crops, files.crops ?? crops);
    await writeFile(source.landmarks, files.landmarks ?? (await readFile(model.landmarks)));
    broken.push({ source, reason });
  };
  const cropsOf = (data: Uint8Array | Float32Array, shape: number[]) => ({ crops: npz({ crops: npy(data, shape) }) });
  const landmarksOf = (change: (values: Float32Array) => void) => {
    const values = Float32Array.from(clip.landmarks);
    change(values);
    return { landmarks: npz({ landmarks: npy(values, [FRAMES, 81, 2]) }) };
  };
  const flipped = Buffer.from(crops);
  flipped[crops.length >> 1]! ^= 8;
  const pickled = Buffer.from(npy(clip.pixels, [FRAMES, SIDE, SIDE, 3])).toString('latin1');
  const objects = Buffer.from(pickled.replace("'|u1'", "'|O' "), 'latin1');
  const zeros = npy(new Uint8Array(8 * 2 ** 20), [8 * 2 ** 20]);
  const bomb = Buffer.from(zipSync({ 'crops.npy': [zeros, { level: 9 }] }));
  bomb.writeUInt32LE(2 ** 31, bomb.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24);

  await damage('missing', /does not exist/, {});
  await rm(broken[0]!.source.landmarks);
  await damage('truncated', /not a readable zip archive/, { crops: crops.subarray(0, crops.length / 2) });
  await damage('flipped', /checksum|compressed data is damaged/, { crops: flipped });
  await damage('floats', /received float32/, cropsOf(Float32Array.from(clip.pixels), [FRAMES, SIDE, SIDE, 3]));
  await damage('planar', /for crops but received uint8/, cropsOf(clip.pixels, [FRAMES, 3, SIDE, SIDE]));
  await damage(
    'nan',
    /finite landmarks/,
    landmarksOf((values) => values.fill(Number.NaN, 100, 101)),
  );
  const short = syntheticClip({ id: 'short', frames: 3, size: SIDE });
  broken.push({ source: await writeClip(folder, short), reason: /expected 1 runs? of 4 contiguous frames/ });
  await damage('bomb', /more than the limit/, { crops: bomb });
  await damage('objects', /object arrays hold pickled/, { crops: npz({ crops: objects }) });
  await damage('empty', /not a readable zip archive/, { crops: new Uint8Array(0) });
  await damage(
    'outside',
    /landmarks inside/,
    landmarksOf((values) => {
      for (let i = 0; i < values.length; i++) values[i]! += 500;
    }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** One position in a hundred is broken, each kind in its turn. */
const isBroken = (position: number) => position % 100 === 37;
const brokenAt = (position: number) => broken[Math.floor(position / 100) % broken.length]!;
const goodAt = (position: number) => good[(position * 7) % GOOD]!;
/** Deleted when half of the run is done. */
const DELETED = 11;
const taskAt = (position: number): SynthesisTask => ({
  source: isBroken(position) ? brokenAt(position).source : goodAt(position),
  key: { seed: 3, epoch: 0, position },
  recipe,
});

type Sample = { digest: string } | { error: unknown };

async function run(options: SynthesisPoolOptions, onSample: (position: number) => void | Promise<void> = () => {}) {
  const pool = new SynthesisPool(options);
  const credits = new Credits(CREDITS);
  const samples: Sample[] = [];
  const fill = retryThenQuarantine(
    (position: number) => [position],
    (position, signal) => pool.run(taskAt(position), { signal }),
    { isRetryable: (error) => error instanceof WorkerDiedError },
  );
  const positions = Array.from({ length: SAMPLES }, (_, position) => position);
  const began = performance.now();
  let chain = Promise.resolve();
  await pull(positions, credits)
    .pipe(orderedMap(fill, { concurrency: pool.maxThreads }))
    .forEach((outcome) => {
      samples.push(
        outcome.ok
          ? { digest: createHash('sha256').update(outcome.value.bytes).digest('hex') }
          : { error: outcome.failures[0]!.error },
      );
      const position = samples.length - 1;
      chain = chain.then(() => onSample(position)).then(() => credits.give());
    });
  await chain;
  const { usage } = pool;
  await pool.destroy();
  return { samples, usage, seconds: (performance.now() - began) / 1000 };
}

/** A worker that has an accident at the first attempt at some positions. */
async function accidents(): Promise<string> {
  const file = join(folder, 'accidents.mjs');
  await mkdir(join(folder, 'marks'));
  await writeFile(
    file,
    `import { mkdirSync } from 'node:fs';
import work from ${JSON.stringify(compiledModule('../../workers/pool/synthesisWorker.js', import.meta.url))};
const share = ${SAMPLES / 10_000};
const every = (position, n, rest) => position % Math.max(50, Math.round(n * share)) === rest;
export default async (task) => {
  const { position } = task.key;
  let first = true;
  try { mkdirSync(${JSON.stringify(`${join(folder, 'marks')}/`)} + position); } catch { first = false; }
  if (first && every(position, 500, 3)) process.exit(1);
  if (first && every(position, 700, 5)) { setTimeout(() => { throw new Error('bang'); }, 1); await new Promise(() => {}); }
  if (first && every(position, 2500, 7)) { const hoard = []; for (;;) hoard.push(new Array(1e5).fill(0).map(Math.sqrt)); }
  if (first && every(position, 4000, 9)) for (;;);
  if (position % 97 === 0) await new Promise((resolve) => setTimeout(resolve, position % 31));
  return work(task);
};`,
  );
  return file;
}

it(`loses nothing but what is broken in ${SAMPLES} samples`, async () => {
  const clean = await run({ threads: THREADS });
  const digestOf = (sample: Sample) => ('digest' in sample ? sample.digest : String(sample.error));

  let rssBefore = 0;
  let rssPeak = 0;
  const at = (share: number) => Math.floor(SAMPLES * share);
  const workerFile = await accidents();
  const rough = await run(
    { threads: THREADS, workerFile, taskTimeoutMs: 30_000, recycleAfter: 1000 },
    async (position) => {
      if (position === at(0.5)) await rm(good[DELETED]!.crops);
      if (position !== at(0.7)) return;
      globalThis.gc?.();
      rssBefore = process.memoryUsage.rss();
      for (let second = 0; second < PAUSE_SECONDS; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
      }
    },
  );

  expect(rough.samples).toHaveLength(SAMPLES);
  const lost = { broken: 0, deleted: 0 };
  rough.samples.forEach((sample, position) => {
    if (isBroken(position)) {
      lost.broken++;
      expect((sample as { error: unknown }).error, `${position}`).toBeInstanceOf(SampleError);
      expect(digestOf(sample), `${position}`).toMatch(brokenAt(position).reason);
      expect(digestOf(sample), `${position}`).toBe(digestOf(clean.samples[position]!));
    } else if ('error' in sample) {
      lost.deleted++;
      expect(position, `${sample.error}`).toBeGreaterThan(at(0.5));
      expect(goodAt(position)).toBe(good[DELETED]);
      expect(digestOf(sample)).toMatch(/does not exist/);
    } else {
      expect(sample, `${position}`).toEqual(clean.samples[position]);
      if (position > at(0.5) + CREDITS) expect(goodAt(position)).not.toBe(good[DELETED]);
    }
  });
  expect(new Set(clean.samples.map(digestOf)).size).toBeGreaterThan(SAMPLES * 0.98);
  const growthMb = (rssPeak - rssBefore) / 2 ** 20;
  console.log({
    samples: SAMPLES,
    lost,
    clean: { seconds: clean.seconds, ...clean.usage },
    rough: { seconds: rough.seconds, ...rough.usage },
    slowConsumer: { seconds: PAUSE_SECONDS, rssMb: rssBefore / 2 ** 20, growthMb },
  });
  expect(growthMb).toBeLessThan(30);
});
