import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../../pipeline/sweep/comparison.js';
import { comparisonCsv, comparisonMarkdown, comparisonText } from '../../../pipeline/sweep/comparisonTable.js';
import { readRunResult } from '../../../pipeline/sweep/runResult.js';
import type { PlannedRun } from '../../../pipeline/sweep/sweepPlan.js';
import type { RunRecord } from '../../../pipeline/sweep/sweepState.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'comparison-'));
});
afterAll(() => rm(folder, { recursive: true }));

const lines = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('readRunResult', () => {
  it('takes best and last validation, and means over the last twenty steps', async () => {
    const run = join(folder, 'run');
    await mkdir(run);
    const steps = Array.from({ length: 30 }, (_, i) => ({ step: i + 1, loss: i + 1, gap: 0.5, spent_usd: i / 100 }));
    const validations = [0.6, 0.9, 0.7].map((auc, i) => ({ kind: 'val', step: 10 * (i + 1), auc, eer: 1 - auc }));
    await writeFile(join(run, 'metrics.jsonl'), `${lines([...steps, ...validations])}{"step":31,"lo`);
    expect(await readRunResult(run)).toMatchObject({
      ...{ stop_reason: null, steps: 30, best_auc: 0.9, best_step: 20, auc: 0.7, ap: null, gap: 0.5 },
      loss: (11 + 30) / 2,
      spent_usd: 0.29,
    });
    await writeFile(join(run, 'summary.json'), '{"stop_reason":"budget","spent_usd":0.4,"wall_seconds":12}');
    await writeFile(join(run, 'config.json'), '{"parameters":7}');
    const whole = { stop_reason: 'budget', spent_usd: 0.4, wall_seconds: 12, parameters: 7 };
    expect(await readRunResult(run)).toMatchObject(whole);
  });

  it('has nothing to tell of a run that has not begun', async () => {
    const result = await readRunResult(join(folder, 'none'));
    expect(result).toMatchObject({ steps: 0, spent_usd: 0, best_auc: null, loss: null, stop_reason: null });
  });
});

describe('compare', () => {
  const made = async (variant: string, seed: number, best: number | null, record: Partial<RunRecord> = {}) => ({
    planned: { variant, seed, name: `${variant}-seed${seed}`, folder: `/out/${variant}` } as PlannedRun,
    record: { status: 'done', ...record } as RunRecord,
    result: { ...(await readRunResult(join(folder, 'none'))), best_auc: best, stop_reason: 'max_steps' },
    spentUsd: 0.25,
  });

  it('pairs seeds with the reference, and gives the sample standard deviation', async () => {
    const runs = [
      await made('a', 1, 0.8),
      await made('b', 1, 0.7),
      await made('a', 2, 0.9),
      await made('b', 2, 0.84),
      await made('c', 1, null, { status: 'failed', error: 'it said "no", and | died' }),
      await made('a', 3, 0.1),
    ];
    const comparison = compare(runs, 'a', 5);
    const close = (value: number) => expect.closeTo(value, 12);
    expect(comparison.variants).toMatchObject([
      // (0.8, 0.9, 0.1): mean 0.6, squares 0.04 + 0.09 + 0.25 over two
      { run: 'a', seeds: 3, best_auc_mean: close(0.6), best_auc_sd: close(Math.sqrt(0.19)), difference: null },
      // without seed 3, which b does not have: (−0.10 − 0.06) / 2
      {
        run: 'b',
        seeds: 2,
        best_auc_mean: close(0.77),
        best_auc_sd: close(0.14 / Math.SQRT2),
        difference: close(-0.08),
      },
      { run: 'c', seeds: 0, best_auc_mean: null, best_auc_sd: null, difference: null },
    ]);
    expect(comparison).toMatchObject({ budget_usd: 5, spent_usd: 1.5, reference: 'a' });

    const text = comparisonText(comparison);
    expect(text).toContain('−0.0800');
    expect(text).toContain('c, seed 1: it said "no", and | died');
    expect(text).toContain('$1.500 of $5.00 spent');
    const markdown = comparisonMarkdown(comparison);
    expect(markdown).toMatch(/^\| run \| seed \| ended \|/m);
    for (const line of markdown
      .split('\n')
      .filter((row) => row.startsWith('| a '))
      .slice(0, 3))
      expect(line.split('|')).toHaveLength(15);
    const csv = parse(comparisonCsv(comparison), { columns: true }) as Record<string, string>[];
    expect(csv).toHaveLength(6);
    expect(csv[4]).toMatchObject({ run: 'c', status: 'failed', error: 'it said "no", and | died', best_auc: '' });
  });
});
