import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { rowsOf, runTrain } from './trainProcess.js';

/* The real entry point with clips staged ahead of their step, which it does by itself on a GPU alone. */

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-staging-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 4, val: 1, test: 0 }, size: 64, runs: 1, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function train(name: string, staging: string, steps: number, faults: Record<string, string> = {}) {
  const out = join(folder, name);
  const keys = join(folder, `${name}-staged`);
  const set = [
    ...['data.batch_size=4', 'training.val_pairs=1', 'training.gradient_accumulation_steps=2'],
    ...[`engine.staging=${staging}`],
  ].flatMap((one) => ['--set', one]);
  const args = ['--config', 'configs/v8_debug.yaml', ...set, '--max-steps', `${steps}`, '--workers', '1'];
  const ended = await runTrain({
    args: [...args, '--data-root', data, '--out', out, '--record'],
    faults: { FAULT_STAGED: keys, ...faults },
  });
  expect(ended.code, ended.text).toBe(0);
  const metrics = (await rowsOf(join(out, 'metrics.jsonl'))).map(({ step, loss, ce, hll, grad_norm, auc, kind }) => ({
    ...{ step, loss, ce, hll, grad_norm, auc, kind },
  }));
  const { tensors } = await readCheckpoint(join(out, 'checkpoints', 'last.safetensors'));
  const batches = await readFile(join(out, 'batches.jsonl'), 'utf8');
  const staged = (await readFile(keys, 'utf8').catch(() => '')).split('\n').filter((key) => key !== '');
  return { out, result: { metrics, batches, tensors }, staged };
}

it('trains on the same micro-batches to the same bits, also when memory runs out', async () => {
  const plain = await train('plain', 'auto', 4);
  expect(plain.staged).toEqual([]);
  expect(plain.result.batches.trim().split('\n')).toHaveLength(8);
  const ahead = await train('ahead', 'on', 4);
  expect(ahead.result).toEqual(plain.result);
  // Those that were made in time, each once and in order; the first two are never ahead.
  const order = ['2/0', '2/1', '3/0', '3/1', '4/0', '4/1'];
  expect(ahead.staged.length).toBeGreaterThan(0);
  expect(ahead.staged).toEqual(order.filter((key) => ahead.staged.includes(key)));

  const [split, splitAhead] = [
    await train('split', 'off', 2, { FAULT_OOM: '2' }),
    await train('split-ahead', 'on', 2, { FAULT_OOM: '2' }),
  ];
  expect(splitAhead.result).toEqual(split.result);
  expect(splitAhead.staged).toEqual([]);
}, 300_000);
