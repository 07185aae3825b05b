import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../../workers/index.js';
import { UserError } from '../userError.js';
import { type DemoClipTask, writeDemoClip } from './demoClipFiles.js';

export type DemoDataOptions = {
  /** Persons in each split; nobody is in two. */
  readonly people: { readonly train: number; readonly val: number; readonly test: number };
  /** Videos of each person, in other rooms and other light. */
  readonly videos: number;
  /** Side of the square pictures in pixels. */
  readonly size: number;
  readonly runs: number;
  readonly runLength: number;
  readonly seed: number;
  /** Threads that draw; 1 draws in the calling thread. Changes nothing in the files. */
  readonly threads: number;
};

export type DemoData = { readonly folder: string; readonly clips: number; readonly reused: boolean };

export const DEFAULT_DEMO_DATA: DemoDataOptions = {
  people: { train: 16, val: 6, test: 6 },
  videos: 1,
  size: 160,
  runs: 4,
  runLength: 8,
  seed: 0,
  threads: availableParallelism(),
};

/** To be raised whenever the pictures change, so that folders drawn before are drawn again. */
const VERSION = 1;

/** Written last: a folder that has it is complete. */
const MARK = 'demo.json';

/**
 * Draws talking heads into a data root: `<id>_crops.npz`, `<id>_landmarks.npz` and `manifest.csv`. A complete folder of
 * the same version and options is left as it is; otherwise the new one appears all at once or not at all.
 *
 * @throws UserError when the folder holds something else than demo data, or an option is out of range
 */
export async function writeDemoData(folder: string, options: Partial<DemoDataOptions> = {}): Promise<DemoData> {
  const settings = { ...DEFAULT_DEMO_DATA, ...options };
  check(settings);
  const { threads, ...drawn } = settings;
  const target = resolve(folder);
  const clips = listClips(settings);
  const mark = `${JSON.stringify({ version: VERSION, ...drawn }, null, 2)}\n`;
  const present = await inspect(target, mark, clips);
  if (present === 'complete') return { folder: target, clips: clips.length, reused: true };

  const draft = `${target}.draft-${process.pid}-${randomUUID().slice(0, 8)}`;
  await mkdir(draft, { recursive: true });
  try {
    const { size, runs, runLength } = settings;
    const tasks = clips.map(({ id, person, video }) => ({
      folder: draft,
      id,
      key: { seed: settings.seed, person, video },
      format: { size, runs, runLength },
    }));
    if (threads === 1) for (const task of tasks) await writeDemoClip(task);
    else await drawInThreads(tasks, Math.min(threads, tasks.length));
    const rows = clips.map(({ id, split }) => `${id},${split},0,demo/${id}\n`);
    await writeFile(join(draft, 'manifest.csv'), `id,split,label,source\n${rows.join('')}`);
    await writeFile(join(draft, MARK), mark);
    if (present === 'outdated') await rm(target, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    await rename(draft, target).catch(async (error: NodeJS.ErrnoException) => {
      // Somebody else finished the same folder in the meantime: theirs is as good.
      if ((await inspect(target, mark, clips)) !== 'complete') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { folder: target, clips: clips.length, reused: false };
}

type ListedClip = { id: string; split: 'train' | 'val' | 'test'; person: number; video: number };

function listClips({ people, videos }: DemoDataOptions): ListedClip[] {
  const splits = (['train', 'val', 'test'] as const).flatMap((split) => Array<typeof split>(people[split]).fill(split));
  return splits.flatMap((split, person) =>
    Array.from({ length: videos }, (_, video) => ({
      id: `head_${String(person).padStart(2, '0')}_${video}`,
      split,
      person,
      video,
    })),
  );
}

async function inspect(
  folder: string,
  mark: string,
  clips: readonly ListedClip[],
): Promise<'none' | 'complete' | 'outdated'> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'ENOTDIR') throw new UserError(`demo data: expected a folder at ${folder}, but it is a file`);
    throw error;
  });
  if (!names || names.length === 0) return 'none';
  const written = await readFile(join(folder, MARK), 'utf8').catch(() => undefined);
  if (written === undefined)
    throw new UserError(`demo data: ${folder} holds files that are not demo data; remove it or name another folder`);
  if (written !== mark) return 'outdated';
  const expected = clips.flatMap(({ id }) => [`${id}_crops.npz`, `${id}_landmarks.npz`]);
  const sizes = await Promise.all(
    [...expected, 'manifest.csv'].map((name) =>
      stat(join(folder, name)).then(
        (file) => file.size,
        () => 0,
      ),
    ),
  );
  return sizes.every((size) => size > 0) ? 'complete' : 'outdated';
}

function drawInThreads(tasks: readonly DemoClipTask[], threads: number): Promise<void> {
  const waiting = [...tasks];
  const module = compiledModule('./demoDataThread.js', import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(module));
  const finished = workers.map(
    (worker) =>
      new Promise<void>((resolveOne, reject) => {
        const next = () => {
          const task = waiting.shift();
          if (task) worker.postMessage(task);
          else resolveOne();
        };
        worker.on('message', ({ error }: { error?: Error }) => (error ? reject(error) : next()));
        worker.on('error', reject);
        worker.on('exit', () => reject(new Error('a thread that draws demo data ended early')));
        next();
      }),
  );
  return Promise.all(finished)
    .then(() => undefined)
    .finally(() => Promise.all(workers.map((worker) => worker.terminate())));
}

function check({ people, videos, size, runs, runLength, seed, threads }: DemoDataOptions): void {
  const whole = (name: string, value: number, least: number, most: number) => {
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw new UserError(`demo data: expected a whole number from ${least} to ${most} for ${name}, received ${value}`);
  };
  whole('people.train', people.train, 1, 1000);
  whole('people.val', people.val, 0, 1000);
  whole('people.test', people.test, 0, 1000);
  whole('videos', videos, 1, 100);
  whole('size', size, 32, 1024);
  whole('runs', runs, 1, 64);
  whole('runLength', runLength, 1, 256);
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  whole('threads', threads, 1, 256);
}
