import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { seededUniform } from '../model/seededUniform.js';

/* The train command under what befalls a run on a rented machine. */

const STEPS = 24;
const PRELOAD = join(projectFolder, 'test', 'pipeline', 'faults', 'preload.mjs');

let folder: string;
let data: string;
/** An unbroken run of STEPS steps. */
let unbroken: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-trouble-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 5, val: 2, test: 0 }, size: 64, runs: 2, runLength: 4 });
  unbroken = join(folder, 'unbroken');
  expect(await train(unbroken)).toMatchObject({ code: 0 });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Ended = { code: number | null; signal: NodeJS.Signals | null; text: string };
type Options = {
  args?: string[];
  faults?: Record<string, string>;
  onText?: (text: string, child: ChildProcess) => void;
  onStart?: (child: ChildProcess) => void;
};

const settings = (root: string) => [
  ...['--config', 'configs/v8_debug.yaml', '--set', 'data.batch_size=4', '--set', 'training.val_pairs=2'],
  ...[
    '--set',
    'training.checkpoint_steps=3',
    '--set',
    'training.val_every_epochs=3',
    '--set',
    'training.cost_per_hour=1',
  ],
  ...['--max-steps', String(STEPS), '--data-root', root, '--log-format', 'json'],
];

function train(out: string, { args = [], faults, onText, onStart }: Options = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const preload = faults ? ['--import', PRELOAD] : [];
    const all = [...preload, 'pipeline/train.js', ...settings(data), '--out', out, ...args];
    const child = spawn(process.execPath, all, { cwd: projectFolder, env: { ...process.env, ...faults } });
    onStart?.(child);
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk;
      onText?.(text, child);
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });
}

const resume = ['--resume', 'auto'];
const text = (run: string, name: string) => readFile(join(run, name), 'utf8');
const json = async (run: string, name: string) => JSON.parse(await text(run, name)) as Record<string, unknown>;
const rows = async (run: string, name: string) =>
  (await text(run, name))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const last = (run: string) => join(run, 'checkpoints', 'last.safetensors');

async function weights(file: string): Promise<string> {
  const { tensors } = await readCheckpoint(file);
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) {
    const { data: values } = tensors.get(name)!;
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** Batches, weights, losses, validations and the best metric are those of the unbroken run. */
async function expectUnbroken(run: string): Promise<void> {
  expect(await text(run, 'batches.jsonl')).toBe(await text(unbroken, 'batches.jsonl'));
  expect(await weights(last(run))).toBe(await weights(last(unbroken)));
  const best = (of: string) => weights(join(of, 'checkpoints', 'best.safetensors'));
  expect(await best(run)).toBe(await best(unbroken));
  const figures = async (of: string) =>
    (await rows(of, 'metrics.jsonl')).map(({ kind, step, loss, lr, grad_norm, auc }) => [
      kind,
      step,
      loss,
      lr,
      grad_norm,
      auc,
    ]);
  expect(await figures(run)).toEqual(await figures(unbroken));
  const { best: metric } = await json(unbroken, 'summary.json');
  expect(await json(run, 'summary.json')).toMatchObject({ best: metric, steps: STEPS });
}

describe('a run that is killed', () => {
  it('goes on exactly after kill -9 at any moment, forgets no money, and its supervisor acts', async () => {
    const out = join(folder, 'killed');
    const uniform = seededUniform(Number(process.env.TEST_SEED ?? 11));
    const finished = join(folder, 'finished');
    const watched = ['--on-finish', `echo "$STF_EXIT_CODE" >> ${finished}`];
    let spent = 0;
    let kills = 0;
    // At a moment, told by the clock; or before a call that has to do with checkpoints.
    const moments = [{ ms: 900 }, { call: 9 }, { ms: 400 }, { call: 31 }, { ms: 600 }, { call: 52 }];
    for (const { ms, call } of moments) {
      const faults = call
        ? { FAULT_KILL: String(call + Math.floor(20 * uniform())), FAULT_PATH: 'checkpoints' }
        : undefined;
      let begun = false;
      const ended = await train(out, {
        args: [...resume, ...watched],
        ...(faults ? { faults } : {}),
        onText: (said, child) => {
          if (begun || !ms || !/parameters; /.test(said)) return;
          begun = true;
          setTimeout(() => child.kill('SIGKILL'), ms * (0.5 + uniform()));
        },
      });
      if (ended.signal === 'SIGKILL') kills++;
      else expect(ended, ended.text).toMatchObject({ code: 0 });
      const now = (await json(out, 'spent.json').catch(() => ({ spent_usd: spent }))).spent_usd as number;
      expect(now).toBeGreaterThanOrEqual(spent);
      spent = now;
    }
    expect(kills).toBeGreaterThanOrEqual(4);
    const done = await train(out, { args: [...resume, ...watched] });
    expect(done.code, done.text).toBe(0);
    await expectUnbroken(out);
    const summary = await json(out, 'summary.json');
    expect(summary.spent_usd).toBeGreaterThan(spent);
    const ends = (await readFile(finished, 'utf8')).trim().split('\n');
    expect(ends.filter((end) => end === 'crashed')).toHaveLength(kills);
    expect(ends).toHaveLength(moments.length + 1);
  }, 180_000);

  it('goes on exactly also where the average of the weights is what is validated', async () => {
    const averaged = ['--set', 'training.ema_decay=0.9', '--max-steps', '12', '--epochs', '8'];
    const whole = join(folder, 'averaged');
    expect(await train(whole, { args: averaged })).toMatchObject({ code: 0 });
    const out = join(folder, 'averaged-killed');
    for (const call of [40, 75]) {
      const faults = { FAULT_KILL: String(call), FAULT_PATH: 'checkpoints' };
      expect(await train(out, { args: [...resume, ...averaged], faults })).toMatchObject({ signal: 'SIGKILL' });
    }
    expect((await readCheckpoint(last(out))).state).not.toMatchObject({ step: 12 });
    const ended = await train(out, { args: [...resume, ...averaged] });
    expect(ended.code, ended.text).toBe(0);
    expect(ended.text).toMatch(/resuming after step \d/);
    expect(await weights(last(out))).toBe(await weights(last(whole)));
    const validations = async (run: string) =>
      (await rows(run, 'metrics.jsonl'))
        .filter(({ kind }) => kind === 'val')
        .map(({ step, auc, nll }) => [step, auc, nll]);
    expect((await validations(whole)).length).toBeGreaterThan(0);
    expect(await validations(out)).toEqual(await validations(whole));
  }, 180_000);

  it('falls back on the checkpoint before when the newest is damaged; lists changes that do no harm', async () => {
    const out = join(folder, 'damaged');
    await cp(unbroken, out, { recursive: true });
    const { size } = await stat(last(out));
    const handle = await open(last(out), 'r+');
    await handle.write(Buffer.from([0x55]), 0, 1, Math.floor(size / 2));
    await handle.close();
    const ended = await train(out, { args: [...resume, '--set', 'training.checkpoint_minutes=3', '--keep', '5'] });
    expect(ended.text.match(/last\.safetensors is damaged.*does not match its checksum/g)).toHaveLength(1);
    expect(ended.text).toMatch(/going on from the checkpoint before: .*older/);
    expect(ended.text).toMatch(/resuming after step 21/);
    expect(ended.text).toMatch(
      /changed since the checkpoint: training\.checkpoint_minutes: 10 in the checkpoint, 3 now/,
    );
    expect(ended.text).toMatch(/training\.keep_checkpoints: 2 in the checkpoint, 5 now/);
    expect(ended.code).toBe(0);
    await expectUnbroken(out);
    expect((await rows(out, 'events.jsonl')).map(({ kind }) => kind)).toEqual(['damaged_checkpoint']);
  }, 180_000);

  it('refuses changes that make another run of it, and shows them', async () => {
    const out = join(folder, 'changed');
    await cp(unbroken, out, { recursive: true });
    const harmful = await train(out, { args: [...resume, '--seed', '43', '--set', 'training.ema_decay=0.9'] });
    expect(harmful.code).toBe(2);
    expect(harmful.text).toMatch(/training\.ema_decay: 0 in the checkpoint, 0\.9 now/);
    expect(harmful.text).toMatch(/training\.seed: 42 in the checkpoint, 43 now/);
    expect(harmful.text).not.toMatch(/\n\s+at /);
    await expectUnbroken(out);
    const fewer = join(folder, 'fewer');
    await cp(data, fewer, { recursive: true });
    const manifest = await readFile(join(fewer, 'manifest.csv'), 'utf8');
    const lines = manifest.split('\n').filter((line) => !/^head_01_0/.test(line));
    await writeFile(join(fewer, 'manifest.csv'), lines.join('\n'));
    const others = await train(out, { args: [...resume, '--data-root', fewer] });
    expect(others.code).toBe(2);
    expect(others.text).toMatch(/the clips to train on are others than those of the checkpoint/);
  }, 180_000);
});

describe('a run that is moved', () => {
  it('does not go on with another codec or precision, unless told to', async () => {
    const out = join(folder, 'moved');
    await cp(unbroken, out, { recursive: true });
    const { tensors, state } = await readCheckpoint(last(out));
    // As another machine would have written it.
    const other = { ...(state as object), effectiveDtype: 'bfloat16', codecDigest: 'jpeg' };
    await writeCheckpoint(last(out).replace(/\.safetensors$/, ''), tensors, other);
    const refused = await train(out, { args: resume });
    expect(refused.code, refused.text).toBe(2);
    expect(refused.text).toMatch(/products are computed in bfloat16 in the checkpoint, in float32 now: as asked/);
    expect(refused.text).toMatch(/compressed as JPEG in the checkpoint, as H\.264 now/);
    expect(refused.text).not.toMatch(/\n\s+at /);
    const given = ['--set', 'training.amp_dtype=float32', '--set', 'sbi.codec=auto'];
    const accepted = await train(out, { args: [...resume, ...given] });
    expect(accepted.code, accepted.text).toBe(0);
  }, 180_000);
});

describe('a run in trouble', () => {
  it('goes back to the last good checkpoint with milder settings, and remembers that across a resume', async () => {
    const out = join(folder, 'astray');
    const faults = { FAULT_SKIP: '11..1000', FAULT_RATE: '0.0005' };
    const lenient = ['--set', 'failures.max_skips_in_a_row=3'];
    const first = await train(out, { args: [...lenient, '--max-steps', '20', '--epochs', '14'], faults });
    expect(first.code, first.text).toBe(0);
    expect(first.text).toMatch(
      /not finite in 3 steps in a row, up to step 13: back to the checkpoint of step 9, with training\.lr 1\.0e-4, 10 epochs of warm-up from here on, sbi\.compression_qp from 28 \(1 of 2\)/,
    );
    const metrics = (await rows(out, 'metrics.jsonl')).filter(({ kind }) => kind === undefined);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(metrics.some(({ skipped }) => skipped)).toBe(false);
    // Three steps an epoch, so thirty to warm up from step 9 to a fifth of 5e-4.
    expect(metrics[9]!.lr).toBeCloseTo(1e-4 / 30, 10);
    expect(metrics[19]!.lr).toBeCloseTo((11 * 1e-4) / 30, 10);
    expect(await json(out, 'summary.json')).toMatchObject({ remedies: [{ failedStep: 13, fromStep: 9 }] });
    const skip = (step: number, in_a_row: number) => ({
      ...{ time: expect.any(String), kind: 'skipped_step', step, in_a_row },
      message: `step ${step}: the gradient is not finite; the step is skipped, the weights stay as they were`,
    });
    expect(await rows(out, 'events.jsonl')).toEqual([
      ...[skip(11, 1), skip(12, 2), skip(13, 3)],
      expect.objectContaining({ kind: 'remedy', failed_step: 13, from_step: 9, lr: 1e-4, compression_qp: [28, 40] }),
    ]);
    expect(await json(out, 'summary.json')).toMatchObject({ events: { skipped_step: 3, remedy: 1 } });
    expect(first.text.match(/step \d+: the gradient is not finite/g)).toEqual(['step 11: the gradient is not finite']);
    const second = await train(out, { args: [...resume, ...lenient, '--max-steps', '23', '--epochs', '14'], faults });
    expect(second.code, second.text).toBe(0);
    expect((await rows(out, 'metrics.jsonl')).filter(({ kind }) => !kind).at(-1)!.lr).toBeCloseTo((14 * 1e-4) / 30, 10);
  }, 180_000);

  it('ends with exit 4 when the remedy does not help', async () => {
    const out = join(folder, 'lost');
    const wild = [
      '--set',
      'training.lr=1e30',
      '--set',
      'failures.max_skips_in_a_row=2',
      '--set',
      'failures.max_restarts=1',
    ];
    const ended = await train(out, { args: wild });
    expect(ended.text).toMatch(/back to the checkpoint of step \d+/);
    expect(ended.text).toMatch(/error: .* after 1 returns? to an earlier checkpoint; try training\.lr divided by 5/);
    expect(ended.code).toBe(4);
    expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'error' });
  }, 180_000);

  it('computes micro-batches in parts when memory runs out', async () => {
    const out = join(folder, 'cramped');
    const ended = await train(out, { args: ['--max-steps', '6', '--epochs', '14'], faults: { FAULT_OOM: '2' } });
    expect(ended.code, ended.text).toBe(0);
    expect(ended.text).toMatch(/step 1: memory ran out; micro-batches of 4 clips are computed in 2 parts from now on/);
    expect(await json(out, 'summary.json')).toMatchObject({ micro_batch_parts: 2, events: { out_of_memory: 1 } });
    const losses = async (run: string) =>
      (await rows(run, 'metrics.jsonl')).filter(({ kind }) => !kind).map(({ loss }) => loss as number);
    const expected = await losses(unbroken);
    for (const [i, loss] of (await losses(out)).entries()) expect(loss).toBeCloseTo(expected[i]!, 2);
    const batches = (await text(unbroken, 'batches.jsonl')).split('\n').slice(0, 6).join('\n');
    expect((await text(out, 'batches.jsonl')).trim()).toBe(batches);
  }, 180_000);

  it('waits for a full disk, and goes on as if nothing had been', async () => {
    const out = join(folder, 'full');
    const flag = join(folder, 'full-flag');
    let filled = false;
    let emptied = false;
    const ended = await train(out, {
      faults: { FAULT_FULL: flag, FAULT_PATH: 'safetensors|jsonl' },
      onText: (said) => {
        if (!filled && /"level":"progress"/.test(said)) {
          filled = true;
          void writeFile(flag, '');
        }
        if (!emptied && /waiting up to/.test(said)) {
          emptied = true;
          setTimeout(() => void rm(flag), 1000);
        }
      },
    });
    expect(ended.text).toMatch(/(no space left|the disk is full).*waiting up to 10m00s/);
    expect(ended.text).toMatch(/the disk takes what is written again/);
    expect(ended.code, ended.text).toBe(0);
    await expectUnbroken(out);
  }, 180_000);

  it('stops with exit 2 when the disk stays full, and says which checkpoint is whole', async () => {
    const out = join(folder, 'stuffed');
    const flag = join(folder, 'stuffed-flag');
    let filled = false;
    const ended = await train(out, {
      args: ['--set', 'failures.wait_minutes=0.02'],
      faults: { FAULT_FULL: flag, FAULT_PATH: 'safetensors|jsonl' },
      onText: (said) => {
        if (filled || !/"level":"progress"/.test(said)) return;
        filled = true;
        setTimeout(() => void writeFile(flag, ''), 500);
      },
    });
    expect(ended.code, ended.text).toBe(2);
    expect(ended.text).toMatch(
      /error: .*also after waiting for 1s\. The checkpoint of step \d+ is whole .* --resume auto/,
    );
    expect(ended.text).not.toMatch(/\n\s+at /);
    const step = Number(/The checkpoint of step (\d+)/.exec(ended.text)![1]);
    expect((await readCheckpoint(last(out))).state).toMatchObject({ step });
  }, 180_000);

  it('waits for a data root that vanishes, blames no clip for it, and keeps others out of its folder', async () => {
    const out = join(folder, 'volume');
    const own = join(folder, 'volume-data');
    await cp(data, own, { recursive: true });
    let gone = false;
    let back = false;
    let second: Promise<Ended> | undefined;
    const ended = await train(out, {
      args: ['--data-root', own],
      onText: (said) => {
        if (!gone && /"level":"progress"/.test(said)) {
          gone = true;
          void rename(own, `${own}-away`);
        }
        if (!back && /is gone; waiting/.test(said)) {
          back = true;
          second = train(out, { args: resume });
          void second.then(() => rename(`${own}-away`, own));
        }
      },
    });
    expect(ended.text).toMatch(/the data root is back after/);
    const refused = { code: 2, text: expect.stringMatching(/is in use by another run \(process \d+/) };
    expect(await second).toMatchObject(refused);
    expect(ended.code, ended.text).toBe(0);
    expect(await text(out, 'quarantine.jsonl')).toBe('');
    await expectUnbroken(out);
  }, 180_000);

  it('saves and stops when the data root stays away', async () => {
    const out = join(folder, 'no-volume');
    const own = join(folder, 'no-volume-data');
    await cp(data, own, { recursive: true });
    let gone = false;
    const ended = await train(out, {
      args: ['--data-root', own, '--set', 'failures.wait_minutes=0.02', '--set', 'training.checkpoint_steps=1000'],
      onText: (said) => {
        if (gone || !/"level":"progress"/.test(said)) return;
        gone = true;
        void rename(own, `${own}-away`);
      },
    });
    expect(ended.text).toMatch(/error: the data root .* is gone and did not come back within 1 s/);
    expect(ended.code).toBe(3);
    expect(await text(out, 'quarantine.jsonl')).toBe('');
    const { steps } = await json(out, 'summary.json');
    expect(steps).toBeGreaterThan(0);
    expect((await readCheckpoint(last(out))).state).toMatchObject({ step: steps });
  }, 180_000);

  it('warns when much of the budget is spent, says how far it reaches and stops in time', async () => {
    const out = join(folder, 'budget');
    const price = ['--set', 'training.cost_per_hour=60', '--set', 'training.budget_reserve_hours=0.0003'];
    const args = [...price, '--budget', '0.15', '--max-steps', '100000'];
    const ended = await train(out, { args });
    expect(ended.text).toMatch(/budget \$0\.15 at \$60\.00 an hour: 8s of training, then saving and validation/);
    expect(ended.text).toMatch(/the budget ends in \d+s, around step \d+ of 100000/);
    expect(ended.text).toMatch(/80 % of the budget are spent/);
    expect(ended.code).toBe(0);
    const summary = await json(out, 'summary.json');
    expect(summary).toMatchObject({ stop_reason: 'budget' });
    expect(summary.spent_usd).toBeLessThan(0.2);
    const spent = summary.spent_usd as number;
    const again = await train(out, { args: [...resume, ...args] });
    expect(again.code).toBe(0);
    expect(again.text).toMatch(/of it spent already/);
    const after = await json(out, 'summary.json');
    expect(after).toMatchObject({ stop_reason: 'budget', steps: summary.steps });
    expect(after.spent_usd).toBeGreaterThan(spent);
  }, 180_000);
});
