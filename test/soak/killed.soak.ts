import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { keyedGenerator } from '../../workers/index.js';

/*
 * A run on real crops that is killed every few minutes, with 2 % of the samples poisoned, ends with the batches and the
 * weights of one that was left alone. By hand: `npm run soak -- killed`, `SOAK_MINUTES=4 npm run soak -- killed`. The
 * first run is killed for as long as is asked for; the unbroken one comes second and goes to the same step.
 */
const minutes = Number(process.env.SOAK_MINUTES ?? 60);
const seed = Number(process.env.SOAK_SEED ?? 1);
const crops = resolve(projectFolder, process.env.SOAK_CROPS ?? '../shared/crops');
/** Names for each clip, so that one broken clip among them is 2 % of the samples. */
const ALIASES = 4;
/** A kill every so often on average, but not before a run has had time to start and to save. */
const killEverySeconds = Math.max(45, Math.min(180, (60 * minutes) / 5));
/** What the process may grow by from the second quarter of a run to its last. */
const growthMiB = 64;
/** The learning rate's schedule reaches far beyond both runs, so that it does not depend on where they end. */
const EPOCHS = 100_000;
/** Steps that are made after the last kill. */
const LAST_STRETCH = 50;

const draw = keyedGenerator(seed, 'kills');
let folder: string;
let data: string;

beforeAll(async () => {
  if (!existsSync(crops)) return;
  folder = await mkdtemp(join(tmpdir(), 'soak-killed-'));
  data = join(folder, 'data');
  await mkdir(data);
  const rows = (await readFile(join(crops, 'manifest.csv'), 'utf8')).trim().split('\n').slice(1);
  const manifest = ['id,split,label'];
  const add = async (id: string, alias: string, split: string) => {
    for (const kind of ['crops', 'landmarks'])
      await symlink(join(crops, `${id}_${kind}.npz`), join(data, `${alias}_${kind}.npz`));
    manifest.push(`${alias},${split},0`);
  };
  let training = 0;
  let first: string | undefined;
  for (const row of rows) {
    const [id, split, label] = row.split(',') as [string, string, string];
    if (label !== '0' || split === 'test') continue;
    for (let n = 0; n < (split === 'train' ? ALIASES : 1); n++) await add(id, `${id}-${n}`, split);
    if (split !== 'train') continue;
    training += ALIASES;
    first ??= id;
  }
  const poisoned = Math.max(1, Math.round(0.02 * training));
  const whole = await readFile(join(crops, `${first}_crops.npz`));
  for (let n = 0; n < poisoned; n++) {
    await writeFile(join(data, `poisoned-${n}_crops.npz`), whole.subarray(0, whole.length >> (n + 1)));
    await symlink(join(crops, `${first}_landmarks.npz`), join(data, `poisoned-${n}_landmarks.npz`));
    manifest.push(`poisoned-${n},train,0`);
  }
  await writeFile(join(data, 'manifest.csv'), `${manifest.join('\n')}\n`);
}, 60_000);
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

type Ended = { code: number | null; signal: NodeJS.Signals | null; text: string };

function train(
  out: string,
  { steps, killAfterSeconds }: { steps?: number; killAfterSeconds?: number },
): Promise<Ended> {
  return new Promise((done, reject) => {
    const args = [
      ...['pipeline/train.js', '--config', 'configs/v8_debug.yaml', '--data-root', data, '--out', out],
      ...[
        '--resume',
        'auto',
        '--epochs',
        String(EPOCHS),
        ...(steps === undefined ? [] : ['--max-steps', String(steps)]),
      ],
      ...['--set', 'training.cost_per_hour=0.39', '--budget', '0'],
      ...['--set', 'failures.max_count=1000000', '--set', 'training.val_every_epochs=20'],
    ];
    const child = spawn(process.execPath, args, { cwd: projectFolder });
    const timer =
      killAfterSeconds === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), 1000 * killAfterSeconds);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text = (text + chunk).slice(-20_000);
      });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      done({ code, signal, text });
    });
  });
}

type Row = { step: number; kind?: string; rss_mb: number; step_ms: number };
const rows = async (run: string): Promise<Row[]> =>
  (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
    .filter(({ kind }) => kind === undefined);
const summaryOf = async (run: string) =>
  JSON.parse(await readFile(join(run, 'summary.json'), 'utf8')) as Record<string, unknown>;

async function weights(run: string): Promise<string> {
  const { tensors } = await readCheckpoint(join(run, 'checkpoints', 'last.safetensors'));
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) {
    const { data: values } = tensors.get(name)!;
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

it.skipIf(!existsSync(crops))(`is the same run after ${minutes} minutes of kill -9`, async () => {
  const killed = join(folder, 'killed');
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 60_000;
  let kills = 0;
  while (elapsed() < minutes) {
    const ended = await train(killed, { killAfterSeconds: killEverySeconds * (0.4 + 1.2 * draw.uniform()) });
    expect(ended.signal, ended.text).toBe('SIGKILL');
    kills++;
  }
  const { state } = await readCheckpoint(join(killed, 'checkpoints', 'last.safetensors'));
  const steps = (state as { step: number }).step + LAST_STRETCH;
  const last = await train(killed, { steps });
  expect(last.code, last.text).toBe(0);
  const killedMinutes = elapsed();
  const unbroken = join(folder, 'unbroken');
  const left = await train(unbroken, { steps });
  expect(left.code, left.text).toBe(0);

  const read = (run: string, name: string) => readFile(join(run, name), 'utf8');
  const rss = (await rows(unbroken)).map(({ rss_mb }) => Math.round(rss_mb));
  const quarter = rss.length >> 2;
  const early = median(rss.slice(quarter, 2 * quarter));
  const late = median(rss.slice(-quarter));
  const summaries = [await summaryOf(killed), await summaryOf(unbroken)];
  console.log('killed', {
    ...{ minutes: killedMinutes.toFixed(1), steps, kills, engine: 'debug size' },
    samples: summaries[1]!.samples,
    failed: summaries[1]!.failed_samples,
    readiness: summaries.map(({ readiness }) => readiness),
    spentUsd: summaries.map(({ spent_usd }) => spent_usd),
    wallSeconds: summaries.map(({ wall_seconds }) => wall_seconds),
    rssMiB: rss.filter((_, i) => i % Math.ceil(rss.length / 25) === 0).join(' '),
  });
  expect(kills).toBeGreaterThan(0);
  expect(await read(killed, 'batches.jsonl')).toBe(await read(unbroken, 'batches.jsonl'));
  expect(await read(killed, 'quarantine.jsonl')).toBe(await read(unbroken, 'quarantine.jsonl'));
  expect(await weights(killed)).toBe(await weights(unbroken));
  expect(summaries[0]!.best).toEqual(summaries[1]!.best);
  const share = (summaries[1]!.failed_samples as number) / (summaries[1]!.samples as number);
  expect(share).toBeGreaterThan(0.01);
  expect(share).toBeLessThan(0.04);
  expect(late - early).toBeLessThan(growthMiB);
});
