import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';

/* The real entry point, as a researcher calls it, on rendered clips. */

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-train-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 5, val: 2, test: 0 }, size: 96, runs: 2, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Ended = { code: number | null; signal: NodeJS.Signals | null; text: string };
type Row = Record<string, unknown>;

/** Runs the command; `whenText` may signal the process at a moment told by its output. */
function train(
  args: string[],
  onText?: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['pipeline/train.js', ...args], { cwd: projectFolder });
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk;
      onText?.(text, (signal) => child.kill(signal));
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });
}

const small = ['--config', 'configs/v8_debug.yaml', '--set', 'data.batch_size=4', '--set', 'training.val_pairs=2'];
const on = (root: string, out: string, ...more: string[]) => [...small, '--data-root', root, '--out', out, ...more];
const rows = async (file: string): Promise<Row[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line)
    .map((line) => JSON.parse(line) as Row);
const json = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Row;
function largestDifference(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))).reduce((most, one) => Math.max(most, one));
}

/** Digest of every tensor of a checkpoint. */
async function weights(run: string): Promise<string> {
  const { tensors } = await readCheckpoint(join(run, 'checkpoints', 'last.safetensors'));
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) {
    const { data: values } = tensors.get(name)!;
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

describe('train', () => {
  it('trains, validates and leaves the files that others read; equal for 1 and 2 workers, and after kill -9', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
    const steps = ['--max-steps', '7', '--set', 'training.checkpoint_steps=2'];
    const first = await train(on(data, a, '--workers', '1', ...steps));
    expect(first.text).toContain('stopped (max_steps) after step 7');
    expect(first.code).toBe(0);

    const config = await json(join(a, 'config.json'));
    expect(config).toMatchObject({ phase: 'a', parameters: 471_803, seed: 42 });
    const summary = await json(join(a, 'summary.json'));
    expect(summary).toMatchObject({ stop_reason: 'max_steps', steps: 7, quarantined: [], spent_usd: 0 });
    const metrics = await rows(join(a, 'metrics.jsonl'));
    expect(metrics.filter(({ kind }) => kind === undefined).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const name of 'epoch loss ce hll gap hll_real hll_fake hll_defined lr grad_norm clips step_ms data_wait_ms readiness spent_usd rss_mb'.split(
      ' ',
    ))
      expect(Number.isFinite(metrics[0]![name]), name).toBe(true);
    const validation = metrics.filter(({ kind }) => kind === 'val');
    expect(validation.map(({ step }) => step)).toEqual([3, 6, 7]); // three steps show five clips, two at a time
    for (const name of ['auc', 'ap', 'eer', 'accuracy', 'in_pair']) {
      expect(validation[0]![name]).toBeGreaterThanOrEqual(0);
      expect(validation[0]![name]).toBeLessThanOrEqual(1);
    }
    // What detect needs to turn scores into probabilities: of the validation that this checkpoint was chosen by.
    const { best: chosen, calibration } = JSON.parse(await readFile(join(a, 'checkpoints', 'best.json'), 'utf8'));
    const row = validation.find(({ step }) => step === chosen.step)!;
    expect(calibration).toEqual({
      ...{ step: chosen.step, auc: chosen.auc, pairs: row.pairs },
      ...{ temperature: row.temperature, nll: row.nll, nll_uncalibrated: row.nll_uncalibrated },
    });
    expect(calibration.temperature).toBeGreaterThan(0);
    const batches = await rows(join(a, 'batches.jsonl'));
    expect(batches).toHaveLength(7);
    expect(batches[0]).toMatchObject({ step: 1, micro: 0, seeds: ['42/0/0', '42/0/1'] });
    expect((batches[0]!.clips as string[]).length).toBe(2);
    expect(batches[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(batches.map(({ sha256 }) => sha256)).size).toBe(7);
    const files = await readdir(join(a, 'checkpoints'));
    expect(files.filter((name) => name !== 'older').sort()).toEqual(
      ['best', 'last', 'phase_a_best'].flatMap((name) => [`${name}.json`, `${name}.safetensors`]),
    );
    expect((await readdir(join(a, 'checkpoints', 'older'))).sort()).toEqual([
      'step-00000004.safetensors',
      'step-00000006.safetensors',
    ]);

    const second = await train(on(data, b, '--workers', '2', ...steps));
    expect(second.code).toBe(0);
    expect(await readFile(join(b, 'batches.jsonl'), 'utf8')).toBe(await readFile(join(a, 'batches.jsonl'), 'utf8'));
    expect(await weights(b)).toBe(await weights(a));

    // kill -9 somewhere after the checkpoint of step 4, told by the fifth step in the log
    const killed = await train(on(data, c, '--workers', '2', '--log-format', 'json', ...steps), (text, kill) => {
      if (text.includes('"kind":"val","step":6')) kill('SIGKILL');
    });
    expect(killed.signal).toBe('SIGKILL');
    const resumed = await train(on(data, c, '--workers', '1', '--resume', 'auto', ...steps));
    expect(resumed.text).toMatch(/resuming after step [46] /);
    expect(resumed.code).toBe(0);
    expect(await readFile(join(c, 'batches.jsonl'), 'utf8')).toBe(await readFile(join(a, 'batches.jsonl'), 'utf8'));
    expect(await weights(c)).toBe(await weights(a));
    const losses = (list: Row[]) => list.map(({ step, loss, auc }) => [step, loss, auc]);
    expect(losses(await rows(join(c, 'metrics.jsonl')))).toEqual(losses(metrics));

    const again = await train(on(data, a, ...steps));
    expect(again).toMatchObject({ code: 2 });
    expect(again.text).toMatch(/holds a run already; give --resume auto/);
    const best = join(a, 'checkpoints', 'phase_a_best.safetensors');
    const over = await train(on(data, a, '--phase', 'baseline', '--resume', best, ...steps));
    expect(over).toMatchObject({ code: 2 });
    expect(over.text).toMatch(/holds a run already/);
    const other = await train(on(data, a, '--resume', 'auto', '--set', 'training.lr=0.1', ...steps));
    expect(other.code).toBe(2);
    expect(other.text).toMatch(/training\.lr: 0\.0005 in the checkpoint, 0\.1 now/);
    expect(await weights(a)).toBe(await weights(b));
    expect(await readFile(join(a, 'batches.jsonl'), 'utf8')).toBe(await readFile(join(b, 'batches.jsonl'), 'utf8'));
  }, 240_000);

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'writes a checkpoint on %s and exits with %i',
    async (signal, code) => {
      const out = join(folder, signal);
      let sent = false;
      const ended = await train(on(data, out, '--max-steps', '5000', '--log-format', 'json'), (text, kill) => {
        if (sent || !text.includes('"kind":"val"')) return;
        sent = true;
        kill(signal);
      });
      expect(ended.code).toBe(code);
      const summary = await json(join(out, 'summary.json'));
      expect(summary.stop_reason).toBe('signal');
      expect(summary.steps).toBeGreaterThanOrEqual(3);
      const { state } = await readCheckpoint(join(out, 'checkpoints', 'last.safetensors'));
      expect(state).toMatchObject({ step: summary.steps });
      // Every line belongs to a step that the checkpoint has, or to the one that was under way.
      const batches = await rows(join(out, 'batches.jsonl'));
      expect(batches.length - (summary.steps as number)).toBeLessThanOrEqual(1);
    },
    120_000,
  );

  it('stops before the budget is spent', async () => {
    const out = join(folder, 'budget');
    const price = ['--set', 'training.cost_per_hour=100', '--set', 'training.budget_reserve_hours=0'];
    const ended = await train(on(data, out, '--max-steps', '100000', '--budget', '0.2', ...price));
    expect(ended.code).toBe(0);
    const summary = await json(join(out, 'summary.json'));
    expect(summary.stop_reason).toBe('budget');
    expect(summary.spent_usd).toBeGreaterThan(0.19);
    expect(summary.spent_usd).toBeLessThan(0.4);
  }, 120_000);

  it('trains the baseline, and tries the whole flow on made-up clips with --dry-run', async () => {
    const out = join(folder, 'dry');
    const ended = await train([...small, '--phase', 'baseline', '--dry-run', '--out', out]);
    expect(ended.text).toContain('stopped (finished) after step 4');
    expect(ended.code).toBe(0);
    expect(await json(join(out, 'config.json'))).toMatchObject({
      phase: 'baseline',
      description: 'Baseline V7.3: [none]',
    });
    expect((await readdir(join(out, 'checkpoints'))).sort()).toContain('last.safetensors');
  }, 120_000);

  it('quarantines clips it cannot use, with the reason, and stops with exit 3 when there are too many', async () => {
    const broken = join(folder, 'broken');
    await writeDemoData(broken, { people: { train: 6, val: 2, test: 0 }, size: 64, runs: 1, runLength: 4 });
    await rm(join(broken, 'head_00_0_landmarks.npz'));
    const { size } = await stat(join(broken, 'head_01_0_crops.npz'));
    await truncate(join(broken, 'head_01_0_crops.npz'), Math.floor(size / 2));
    const out = join(folder, 'quarantine');
    const lenient = ['--set', 'failures.max_rate=0.9'];
    const ended = await train(on(broken, out, '--max-steps', '3', '--workers', '2', ...lenient));
    expect(ended.code).toBe(0);
    const quarantine = await rows(join(out, 'quarantine.jsonl'));
    expect(quarantine.map(({ clip }) => clip).sort()).toEqual(['head_00_0', 'head_01_0']);
    for (const row of quarantine) {
      expect(row.attempts).toBe(1);
      expect(row.reason).toMatch(/landmarks|truncated|end of|zip|ZIP|central directory/i);
    }
    expect(await rows(join(out, 'batches.jsonl'))).toHaveLength(3);

    const strict = ['--set', 'failures.max_count=1'];
    const stopped = await train(on(broken, join(folder, 'strict'), '--max-steps', '6', ...strict));
    expect(stopped.code).toBe(3);
    expect(stopped.text).toMatch(/of \d+ items failed; at most 1 may fail/);
    expect(await json(join(folder, 'strict', 'summary.json'))).toMatchObject({ stop_reason: 'failure_budget' });
  }, 120_000);

  it.each([
    ['a data root that does not exist', ['--data-root', 'nowhere'], /--data-root: .*nowhere does not exist/],
    ['no data root', [], /--data-root: expected a folder of face crops/],
    ['an unknown YAML key', ['--config', 'YAML:training:\n  learning_rate: 1\n'], /training\.learning_rate/],
    [
      'wrong types, all at once',
      ['--set', 'training.lr=fast', '--set', 'data.batch_size=3'],
      /data\.batch_size[\s\S]*training\.lr|training\.lr[\s\S]*data\.batch_size/,
    ],
    ['a configuration file that does not exist', ['--config', 'none.yaml'], /cannot read none\.yaml/],
    ['an unknown option', ['--fast'], /unknown option '--fast'/],
    ['flags that need another one', ['--set', 'features.use_mamer=true'], /features\.use_mamer: expected use_hydra/],
  ])(
    'refuses %s with exit 2 and no stack',
    async (_, args, message) => {
      const yaml = join(folder, 'bad.yaml');
      const given: string[] = [];
      for (const arg of args) {
        if (arg.startsWith('YAML:')) await writeFile(yaml, arg.slice(5));
        given.push(arg.startsWith('YAML:') ? yaml : arg === 'DATA' ? data : arg);
      }
      const ended = await train([...small, '--out', join(folder, 'refused'), ...given]);
      expect(ended.text).toMatch(message);
      expect(ended.text).not.toMatch(/\n\s+at /);
      expect(ended.code).toBe(2);
    },
    60_000,
  );

  it('refuses splits without real clips, and a manifest that leaves the data root', async () => {
    const other = join(folder, 'other');
    await writeDemoData(other, { people: { train: 1, val: 1, test: 0 }, size: 64, runs: 1, runLength: 4 });
    const manifest = async (text: string, message: RegExp) => {
      await writeFile(join(other, 'manifest.csv'), text);
      const ended = await train(on(other, join(folder, 'refused')));
      expect(ended.text).toMatch(message);
      expect(ended.code).toBe(2);
    };
    await manifest('id,split,label\nhead_00_0,train,0\n', /split "val" has no real clips/);
    await manifest('id,split,label\n../head_00_0,train,0\n', /would leave the data root/);
  }, 60_000);

  it('refuses a damaged checkpoint and leaves the run as it was', async () => {
    const out = join(folder, 'damaged');
    expect((await train(on(data, out, '--max-steps', '2'))).code).toBe(0);
    const file = join(out, 'checkpoints', 'last.safetensors');
    const handle = await open(file, 'r+');
    await handle.write(Buffer.from([255]), 0, 1, 3);
    await handle.close();
    await copyFile(join(out, 'metrics.jsonl'), join(out, 'before'));
    const ended = await train(on(data, out, '--max-steps', '4', '--resume', 'auto'));
    expect(ended.code).toBe(2);
    expect(ended.text).toMatch(/last\.safetensors is damaged/);
    expect(await readFile(join(out, 'metrics.jsonl'), 'utf8')).toBe(await readFile(join(out, 'before'), 'utf8'));
  }, 120_000);

  it('begins with the weights of another run of the same phase, and goes on by itself', async () => {
    const first = join(folder, 'first');
    expect((await train(on(data, first, '--max-steps', '2'))).code).toBe(0);
    const init = join(first, 'checkpoints', 'last.safetensors');
    const out = join(folder, 'second');
    // At so small a rate the weights stay what they began as.
    const still = ['--set', 'training.lr=1e-30', '--set', 'training.min_lr=1e-30', '--set', 'data.img_size=96'];
    const begun = await train(on(data, out, '--init', init, '--max-steps', '1', ...still));
    expect(begun.text).toContain(`beginning with the weights of ${init}`);
    expect(begun.code).toBe(0);
    const { tensors: began } = await readCheckpoint(init);
    const { tensors: now } = await readCheckpoint(join(out, 'checkpoints', 'last.safetensors'));
    const model = [...began].filter(([name]) => !/^(optim|ema)\./.test(name));
    expect(model.length).toBeGreaterThan(20);
    for (const [name, { data: values }] of model)
      expect(largestDifference(now.get(name)!.data, values)).toBeLessThan(1e-20);
    const wentOn = await train(on(data, out, '--init', init, '--resume', 'auto', '--max-steps', '2', ...still));
    expect(wentOn.text).toMatch(/resuming after step 1 /);
    expect(wentOn.code).toBe(0);
    const again = await train(on(data, out, '--init', init));
    expect(again).toMatchObject({ code: 2, text: expect.stringMatching(/holds a run already/) });
    const both = await train(on(data, join(folder, 'both'), '--init', init, '--resume', init));
    expect(both).toMatchObject({
      code: 2,
      text: expect.stringMatching(/--init: expected no --resume <file> beside it/),
    });
    const missing = await train(on(data, join(folder, 'missing'), '--init', join(folder, 'none.safetensors')));
    expect(missing).toMatchObject({ code: 2, text: expect.stringMatching(/none\.safetensors/) });
  }, 240_000);
});
