import { duration } from '../progress.js';
import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html } from '../report/html.js';
import { lineChart } from '../report/lineChart.js';
import { usd, usdGiven } from '../usd.js';
import { OVER_STEPS } from './overSteps.js';
import { column, numberAt } from './rowValues.js';
import type { RunRecord } from './runRecord.js';

/** Money that the run has spent: by its end, or by its last step where it has not ended. */
export const spentUsd = ({ summary, steps }: Pick<RunRecord, 'summary' | 'steps'>): number =>
  Math.max(0, ...[numberAt(summary, 'spent_usd'), numberAt(steps.at(-1), 'spent_usd')].filter(Number.isFinite));

/** Money and time. */
export function costs(record: RunRecord): HtmlValue {
  const { summary, steps, config } = record;
  const price = numberAt(config, 'config', 'training', 'cost_per_hour');
  const limit = numberAt(config, 'config', 'training', 'max_budget');
  const done = numberAt(steps.at(-1), 'step');
  const spent = spentUsd(record);
  const [wall, cpu] = [numberAt(summary, 'wall_seconds'), numberAt(summary, 'cpu_seconds')];
  const planned = numberAt(summary, 'planned_steps');
  const rows: [string, string][] = [];
  if (Number.isFinite(wall)) rows.push(['wall time', duration(wall)]);
  if (Number.isFinite(cpu)) rows.push(['processor time', duration(cpu)]);
  if (price > 0) {
    rows.push(['price of the machine', `${usdGiven(price)} an hour`], ['spent', usd(spent)]);
    rows.push(['budget', limit > 0 ? usdGiven(limit) : 'none']);
    if (done > 0) rows.push(['1000 steps', usd((1000 * spent) / done)]);
    const epochs = numberAt(summary, 'epochs');
    if (epochs > 0) rows.push(['an epoch', usd(spent / epochs)]);
    if (planned > done && done > 0)
      rows.push(['what is left of the plan, at this rate', usd((spent / done) * (planned - done))]);
  }
  const table = dataTable(rows, [
    { name: 'what', cell: ([name]) => name },
    { name: 'how much', cell: ([, value]) => value, numeric: true },
  ]);
  if (!(price > 0))
    return html`${rows.length > 0 && table}<p>No price is set (<code>training.cost_per_hour</code> is 0), so nothing was counted as spent.</p>`;
  return html`${table}<div class="charts">${
    steps.length > 1 &&
    lineChart({
      title: 'Spent',
      ...OVER_STEPS,
      yLabel: 'US dollars',
      series: [{ name: 'spent', points: column(steps, 'spent_usd') }],
      caption:
        'Earlier stretches of a resumed run included. Flat is cheap; a jump is a validation, a checkpoint or a wait.',
    })
  }</div>`;
}
