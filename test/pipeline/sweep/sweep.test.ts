import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeDemoData } from '../../../pipeline/demo/demoData.js';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import type { Comparison } from '../../../pipeline/sweep/comparison.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-sweep-'));
  const people = { train: 3, val: 2, test: 0 };
  await writeDemoData(join(folder, 'data'), { people, size: 96, runs: 1, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The command as a researcher calls it; `onText` may signal it at a moment told by its output. */
const sweep = (args: string[], onText?: (text: string, kill: (signal: NodeJS.Signals) => void) => void) =>
  new Promise<{ code: number | null; text: string }>((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1' };
    const child = spawn(process.execPath, ['pipeline/sweep.js', ...args], { cwd: projectFolder, env });
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk;
      onText?.(text, (signal) => child.kill(signal));
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });

it('makes run after run in spite of a failing one, stops with a checkpoint, and goes on where it was', async () => {
  const [file, out] = [join(folder, 'three.yaml'), join(folder, 'out')];
  const [data, later] = [join(folder, 'data'), join(folder, 'later')];
  const set = { 'data.batch_size': 4, 'training.val_pairs': 2, 'training.checkpoint_steps': 1, 'data.data_root': data };
  const runs = {
    broken: { set: { 'data.data_root': later } },
    first: {},
    second: { set: { 'training.hll_loss_weight': 0 } },
  };
  // JSON is YAML.
  const config = join(projectFolder, 'configs', 'v8_debug.yaml');
  await writeFile(file, JSON.stringify({ seeds: [7], reference: 'first', common: { config, set }, runs }));
  const args = [file, '--out', out, '--max-steps', '4', '--workers', '1'];

  // The signal comes while the last run is at its second step.
  let signalled = false;
  const begun = await sweep(args, (text, kill) => {
    if (signalled || !/\[second-seed7\] validation after step 2/.test(text)) return;
    signalled = true;
    kill('SIGTERM');
  });
  expect(begun.text).toContain(`broken-seed7 failed: --data-root: expected a folder of face crops, but ${later}`);
  expect(begun.code).toBe(143);
  const comparison = async () => JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8')) as Comparison;
  const half = await comparison();
  expect(half.runs.map(({ status }) => status)).toEqual(['failed', 'done', 'interrupted']);
  expect(half.runs[1]).toMatchObject({
    run: 'first',
    seed: 7,
    stop_reason: 'max_steps',
    steps: 4,
    parameters: 471_803,
  });

  const changed = await sweep([...args, '--set', 'training.lr=1e-5']);
  expect(changed.code).toBe(2);
  expect(changed.text).toMatch(/begun with other settings \(lr: 0\.0005 then, 0\.00001 now\)/);

  const unchanged = (await stat(join(out, 'first-seed7', 'summary.json'))).mtimeMs;
  await rename(data, later);
  await writeFile(
    file,
    JSON.stringify({
      seeds: [7],
      reference: 'first',
      common: { config, set: { ...set, 'data.data_root': later } },
      runs,
    }),
  );
  const ended = await sweep(args);
  expect(ended.code).toBe(0);
  expect(ended.text).toContain('run 2 of 3: first-seed7: done already');
  expect(ended.text).toMatch(/\[second-seed7\] resuming after step [23] /);
  expect((await stat(join(out, 'first-seed7', 'summary.json'))).mtimeMs).toBe(unchanged);
  const whole = await comparison();
  expect(whole.runs.map(({ status, steps }) => [status, steps])).toEqual(Array(3).fill(['done', 4]));
  // The run that was broken has the same settings as the first: the same figures.
  const figures = ({ loss, auc, gap }: Comparison['runs'][number]) => ({ loss, auc, gap });
  expect(figures(whole.runs[0]!)).toEqual(figures(whole.runs[1]!));
  expect(await readFile(join(out, 'second-seed7', 'train.log'), 'utf8')).toContain('stopped (signal)');
}, 180_000);

it('outlives its terminal, is stopped in the middle of an evaluation, and goes on with that', async () => {
  const [data, file, out] = ['judged', 'judged.yaml', 'judged-out'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeDemoData(data, { people: { train: 2, val: 1, test: 2 }, size: 96, runs: 1, runLength: 4 });
  // As many fakes as it takes to be in the middle for a while: the same heads under other names.
  const manifest = await readFile(join(data, 'manifest.csv'), 'utf8');
  const heads = [...manifest.matchAll(/^([^,]+),test,/gm)].map(([, id]) => id!);
  const fakes = heads.flatMap((id) => Array.from({ length: 30 }, (_, i) => ({ id, fake: `fake_${id}_${i}` })));
  for (const { id, fake } of fakes)
    for (const kind of ['crops', 'landmarks'])
      await copyFile(join(data, `${id}_${kind}.npz`), join(data, `${fake}_${kind}.npz`));
  const rows = fakes.map(({ fake }) => `${fake},test,1,demo/${fake}\n`).join('');
  await writeFile(join(data, 'manifest.csv'), manifest + rows);
  const set = { 'data.batch_size': 4, 'training.val_pairs': 2, 'data.data_root': data };
  const config = join(projectFolder, 'configs', 'v8_debug.yaml');
  await writeFile(file, JSON.stringify({ seeds: [7], evaluate: 'test', common: { config, set }, runs: { only: {} } }));
  const args = [file, '--out', out, '--max-steps', '2', '--workers', '1'];
  const result = async () =>
    (JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8')) as Comparison).runs.map(
      ({ status, test_auc }) => ({ status, test_auc }),
    );
  /** Sends each signal once, when the output says so. */
  const signals = (moments: [RegExp, NodeJS.Signals][]) => (text: string, kill: (signal: NodeJS.Signals) => void) => {
    while (moments[0]?.[0].test(text)) kill(moments.shift()![1]);
  };

  const first = await sweep(
    args,
    signals([
      [/\[only-seed7\] .* parameters;/, 'SIGHUP'],
      [/\[only-seed7\] 62 videos of the split "test"/, 'SIGINT'],
    ]),
  );
  expect(first.text).toContain('the terminal has gone (SIGHUP); the sweep goes on');
  expect(first.text).toMatch(/\[only-seed7\] .*stopped after \d+ of 62 videos; nothing was written/);
  expect(first.text).not.toMatch(/could not be evaluated|\n\s+at /);
  expect(first.code).toBe(130);
  expect(await result()).toEqual([{ status: 'done', test_auc: null }]);
  const evaluation = join(out, 'only-seed7', 'evaluation-test', 'evaluation.json');
  expect(existsSync(evaluation)).toBe(false);

  const second = await sweep(args, signals([[/evaluating only-seed7/, 'SIGTERM']]));
  expect(second.code).toBe(143);
  expect(existsSync(evaluation)).toBe(false);

  const third = await sweep(args);
  expect(third.text).toContain('run 1 of 1: only-seed7: done already');
  expect(third.code).toBe(0);
  const { pooled } = JSON.parse(await readFile(evaluation, 'utf8')) as { pooled: { all: { auc: { value: number } } } };
  expect(await result()).toEqual([{ status: 'done', test_auc: pooled.all.auc.value }]);
}, 180_000);

it('prints with --plan the commands of the runs, as long as they are to be', async () => {
  const file = join(folder, 'plan.yaml');
  const config = join(projectFolder, 'configs', 'v8_debug.yaml');
  // Of its own: another test moves the common one away.
  const data = join(folder, 'planned-data');
  await writeDemoData(data, { people: { train: 3, val: 2, test: 0 }, size: 96, runs: 1, runLength: 4 });
  const set = { 'data.data_root': data };
  await writeFile(file, JSON.stringify({ seeds: [7, 8], common: { config, set }, runs: { only: {} } }));
  const out = join(folder, 'planned');
  const { code, text } = await sweep([
    file,
    '--out',
    out,
    '--max-steps',
    '4',
    '--epochs',
    '9',
    '--budget',
    '3',
    '--plan',
  ]);
  expect(code).toBe(0);
  const lines = text.split('\n');
  const end = ' --resume auto --max-steps 4 --epochs 9 --budget 1.500000';
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^node pipeline/train\\.js .* --out \\S+only-seed7${end}$`)),
    expect.stringMatching(new RegExp(`^node pipeline/train\\.js .* --out \\S+only-seed8${end}$`)),
    '',
  ]);
  expect(existsSync(out)).toBe(false);
});
