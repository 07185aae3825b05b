import type { RunResult } from './runResult.js';
import type { PlannedRun } from './sweepPlan.js';
import type { RunRecord, RunStatus } from './sweepState.js';

/** One run in the comparison. */
export type ComparisonRow = {
  run: string;
  seed: number;
  status: RunStatus;
  error: string | null;
  folder: string;
} & RunResult;

/** A variant over its seeds. */
export type VariantSummary = {
  run: string;
  /** Seeds with a validated run. */
  seeds: number;
  best_auc_mean: number | null;
  /** Sample standard deviation; null with fewer than two seeds. */
  best_auc_sd: number | null;
  /** Mean difference of best AUC to the reference, over the seeds that both have. */
  difference: number | null;
  /** Means over the evaluated runs. */
  test_auc_mean: number | null;
  test_paired_mean: number | null;
};

export type Comparison = {
  reference: string;
  budget_usd: number | null;
  /** The split whose real and fake videos the finished runs were evaluated on. */
  evaluated_on: string | null;
  spent_usd: number;
  note: string;
  runs: ComparisonRow[];
  variants: VariantSummary[];
};

/** What the figures do not say. */
const NOTE =
  'Each run validates on self-blended pairs made by its own settings, so best AUCs of runs with other augmentation are not of the same pairs.';
const EVALUATE = 'Evaluate the checkpoints on one split before concluding (--evaluate test).';
const CHOOSE =
  'What is chosen by its figures on a split with fakes must be tested on another: they are then no longer unseen.';

export function compare(
  runs: readonly { planned: PlannedRun; record: RunRecord | undefined; result: RunResult; spentUsd: number }[],
  reference: string,
  budget: number | undefined,
  evaluated?: string,
): Comparison {
  const rows = runs.map(
    ({ planned, record, result, spentUsd }): ComparisonRow => ({
      run: planned.variant,
      seed: planned.seed,
      status: record?.status ?? 'pending',
      error: record?.error ?? null,
      folder: planned.folder,
      ...result,
      spent_usd: spentUsd,
    }),
  );
  return {
    reference,
    budget_usd: budget ?? null,
    evaluated_on: evaluated ?? null,
    spent_usd: rows.reduce((sum, row) => sum + row.spent_usd, 0),
    note: evaluated === undefined ? `${NOTE} ${EVALUATE}` : `${NOTE} ${CHOOSE}`,
    runs: rows,
    variants: summarise(rows, reference),
  };
}

function summarise(rows: readonly ComparisonRow[], reference: string): VariantSummary[] {
  const aucOf = (run: string) =>
    new Map(rows.flatMap((row) => (row.run === run && row.best_auc !== null ? [[row.seed, row.best_auc]] : [])));
  const ofReference = aucOf(reference);
  return [...new Set(rows.map(({ run }) => run))].map((run) => {
    const own = aucOf(run);
    const values = [...own.values()];
    const mean = meanOf(values);
    const variance = values.reduce((sum, value) => sum + (value - mean!) ** 2, 0) / (values.length - 1);
    const differences = [...own].flatMap(([seed, auc]) =>
      ofReference.has(seed) ? [auc - ofReference.get(seed)!] : [],
    );
    return {
      run,
      seeds: values.length,
      best_auc_mean: mean,
      best_auc_sd: values.length > 1 ? Math.sqrt(variance) : null,
      difference: run === reference ? null : meanOf(differences),
      test_auc_mean: meanOver(rows, run, 'test_auc'),
      test_paired_mean: meanOver(rows, run, 'test_paired'),
    };
  });
}

const meanOver = (rows: readonly ComparisonRow[], run: string, figure: 'test_auc' | 'test_paired') =>
  meanOf(rows.flatMap((row) => (row.run === run && row[figure] !== null ? [row[figure]] : [])));

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
