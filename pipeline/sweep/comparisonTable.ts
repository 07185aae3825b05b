import { csvText } from '../csvText.js';
import { duration } from '../progress.js';
import { usdCounted } from '../usd.js';
import type { Comparison, ComparisonRow } from './comparison.js';

const dash = '–';
const fixed = (value: number | null, digits: number) => (value === null ? dash : value.toFixed(digits));
const signed = (value: number | null, digits: number) =>
  value === null ? dash : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

/** How a row ended, in a word or two. */
const ending = ({ status, stop_reason }: ComparisonRow) =>
  status === 'done' ? (stop_reason ?? 'done') : status.replace('_', ' ');

const RUN_COLUMNS: readonly [string, (row: ComparisonRow) => string][] = [
  ['run', ({ run }) => run],
  ['seed', ({ seed }) => String(seed)],
  ['ended', ending],
  ['steps', ({ steps }) => String(steps)],
  ['best AUC', ({ best_auc }) => fixed(best_auc, 4)],
  ['at step', ({ best_step }) => fixed(best_step, 0)],
  ['last AUC', ({ auc }) => fixed(auc, 4)],
  ['EER', ({ eer }) => fixed(eer, 4)],
  ['loss', ({ loss }) => fixed(loss, 4)],
  ['HLL gap', ({ gap }) => fixed(gap, 4)],
  ['ready', ({ readiness }) => fixed(readiness, 2)],
  ['USD', ({ spent_usd }) => fixed(spent_usd, 3)],
  ['time', ({ wall_seconds }) => (wall_seconds === null ? dash : duration(wall_seconds))],
];

const between = (value: number | null, low: number | null, high: number | null) =>
  value === null ? dash : `${fixed(value, 3)}${low === null ? '' : ` (${fixed(low, 2)}–${fixed(high, 2)})`}`;

const TEST_COLUMNS = (split: string): typeof RUN_COLUMNS => [
  [`${split} AUC`, ({ test_auc, test_auc_low, test_auc_high }) => between(test_auc, test_auc_low, test_auc_high)],
  [
    'in pairs',
    ({ test_paired, test_paired_low, test_paired_high }) => between(test_paired, test_paired_low, test_paired_high),
  ],
];

/** Head and lines of the table of runs. */
export function runTable({ runs, evaluated_on }: Comparison): string[][] {
  const columns = [...RUN_COLUMNS, ...(evaluated_on === null ? [] : TEST_COLUMNS(evaluated_on))];
  return [columns.map(([head]) => head), ...runs.map((row) => columns.map(([, text]) => text(row)))];
}

/** Head and lines of the table of variants. */
export function variantTable({ variants, reference, evaluated_on }: Comparison): string[][] {
  const tested = evaluated_on !== null;
  return [
    [
      ...['run', 'seeds', 'best AUC', 'sd', `difference to ${reference}`],
      ...(tested ? [`${evaluated_on} AUC`, 'in pairs'] : []),
    ],
    ...variants.map(({ run, seeds, best_auc_mean, best_auc_sd, difference, test_auc_mean, test_paired_mean }) => [
      ...[run, String(seeds), fixed(best_auc_mean, 4), fixed(best_auc_sd, 4), signed(difference, 4)],
      ...(tested ? [fixed(test_auc_mean, 3), fixed(test_paired_mean, 3)] : []),
    ]),
  ];
}

/** Columns side by side: names to the left, figures to the right. */
function aligned(table: readonly string[][]): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  return table
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}

const money = ({ spent_usd, budget_usd }: Comparison) => `${usdCounted(spent_usd, budget_usd)} spent`;
const failures = ({ runs }: Comparison) =>
  runs.filter(({ error }) => error !== null).map(({ run, seed, error }) => `${run}, seed ${seed}: ${error}`);

export function comparisonText(comparison: Comparison): string {
  return [
    aligned(runTable(comparison)),
    aligned(variantTable(comparison)),
    [...failures(comparison), money(comparison), comparison.note].join('\n'),
  ].join('\n\n');
}

export function comparisonMarkdown(comparison: Comparison): string {
  const table = ([head, ...lines]: string[][]) =>
    [head!, head!.map((_, i) => (i === 0 ? '---' : '---:')), ...lines]
      .map((line) => `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
      .join('\n');
  const failed = failures(comparison).map((text) => `- ${text}`);
  return `${['# Comparison', table(runTable(comparison)), table(variantTable(comparison)), ...(failed.length > 0 ? [failed.join('\n')] : []), `${money(comparison)}.`, comparison.note].join('\n\n')}\n`;
}

/** All fields of all runs, with the names of comparison.json. */
export function comparisonCsv({ runs }: Comparison): string {
  const columns = Object.keys(runs[0] ?? {}) as (keyof ComparisonRow)[];
  return csvText(
    columns,
    runs.map((row) => columns.map((column) => row[column])),
  );
}
