import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SplitName } from '../data/splits.js';
import { readEvaluation } from '../evaluation/readEvaluation.js';
import { SpendLedger } from '../run/spendLedger.js';

/** What a run's folder tells about it; null where it does not tell yet. */
export type RunResult = {
  stop_reason: string | null;
  steps: number;
  epochs: number | null;
  parameters: number | null;
  /** Best and last validation, on pairs made by the run's own settings. */
  best_auc: number | null;
  best_step: number | null;
  auc: number | null;
  ap: number | null;
  eer: number | null;
  accuracy: number | null;
  /** Means over the last steps. */
  loss: number | null;
  gap: number | null;
  readiness: number | null;
  spent_usd: number;
  wall_seconds: number | null;
  /** Of all threads, as train counts it. */
  cpu_seconds: number | null;
  /** On the real and fake videos of the split that the sweep evaluates; `low`, `high`: 95 % interval. */
  test_auc: number | null;
  test_auc_low: number | null;
  test_auc_high: number | null;
  /** How often a fake scored above its own original. */
  test_paired: number | null;
  test_paired_low: number | null;
  test_paired_high: number | null;
};

/** Single steps are noisy; these many last ones are averaged. */
const LAST_STEPS = 20;

type Row = Record<string, unknown>;

/**
 * Reads summary.json, metrics.jsonl, config.json and the evaluation of `split`; a run that was killed has no summary, and
 * maybe half a last line.
 */
export async function readRunResult(folder: string, split?: SplitName): Promise<RunResult> {
  const json = async (name: string): Promise<Row> =>
    JSON.parse(await readFile(join(folder, name), 'utf8').catch(() => '{}')) as Row;
  const [summary, config, metrics] = [
    await json('summary.json'),
    await json('config.json'),
    await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => ''),
  ];
  const ledger = await SpendLedger.read(join(folder, 'spent.json'));
  const rows = metrics.split('\n').flatMap(rowOf);
  const steps = rows.filter(({ kind }) => kind === undefined);
  const validations = rows.filter(({ kind }) => kind === 'val');
  const last = steps[steps.length - 1];
  const validation = validations[validations.length - 1];
  const best = validations.reduce<Row | undefined>(
    (a, b) => (number(b.auc) !== null && (!a || Number(b.auc) > Number(a.auc)) ? b : a),
    undefined,
  );
  const mean = (key: string) => {
    const values = steps.slice(-LAST_STEPS).flatMap((row) => number(row[key]) ?? []);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return {
    stop_reason: typeof summary.stop_reason === 'string' ? summary.stop_reason : null,
    steps: number(last?.step) ?? 0,
    epochs: number(summary.epochs),
    parameters: number(config.parameters),
    best_auc: number(best?.auc),
    best_step: number(best?.step),
    auc: number(validation?.auc),
    ap: number(validation?.ap),
    eer: number(validation?.eer),
    accuracy: number(validation?.accuracy),
    loss: mean('loss'),
    gap: mean('gap'),
    readiness: number(summary.readiness) ?? number(last?.readiness),
    // A summary of an earlier stretch may lie beside the rows of a later one; a killed run's ledger knows most.
    spent_usd: Math.max(number(summary.spent_usd) ?? 0, number(last?.spent_usd) ?? 0, ledger.usd),
    wall_seconds: number(summary.wall_seconds),
    cpu_seconds: number(summary.cpu_seconds),
    ...(await testFigures(folder, split)),
  };
}

export const evaluationFolder = (folder: string, split: SplitName): string => join(folder, `evaluation-${split}`);

async function testFigures(folder: string, split: SplitName | undefined) {
  const { result } = (split && (await readEvaluation(evaluationFolder(folder, split)))) ?? {};
  const [auc, paired] = [result?.pooled.all.auc, result?.paired.share];
  return {
    test_auc: auc?.value ?? null,
    test_auc_low: auc?.interval?.low ?? null,
    test_auc_high: auc?.interval?.high ?? null,
    test_paired: paired?.value ?? null,
    test_paired_low: paired?.interval?.low ?? null,
    test_paired_high: paired?.interval?.high ?? null,
  };
}

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

function rowOf(line: string): Row[] {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null ? [row as Row] : [];
  } catch {
    return [];
  }
}
