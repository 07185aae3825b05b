import { duration } from '../progress.js';
import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html } from '../report/html.js';
import { lineChart } from '../report/lineChart.js';
import { OVER_STEPS } from './overSteps.js';
import { column, numberAt } from './rowValues.js';
import type { RunRecord } from './runRecord.js';

/** Cents from a dollar on, two digits that count below. */
const dollars = (value: number): string => {
  const digits = value < 1 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return value.toLocaleString('en-US', { style: 'currency', currency: 'USD', ...digits });
};

/** Money and time. */
export function costs({ summary, steps, config }: RunRecord): HtmlValue {
  const price = numberAt(config, 'config', 'training', 'cost_per_hour');
  const limit = numberAt(config, 'config', 'training', 'max_budget');
  const last = steps.at(-1);
  const done = numberAt(last, 'step');
  const spent = Math.max(...[numberAt(summary, 'spent_usd'), numberAt(last, 'spent_usd')].filter(Number.isFinite), 0);
  const [wall, cpu] = [numberAt(summary, 'wall_seconds'), numberAt(summary, 'cpu_seconds')];
  const planned = numberAt(summary, 'planned_steps');
  const rows: [string, string][] = [];
  if (Number.isFinite(wall)) rows.push(['wall time', duration(wall)]);
  if (Number.isFinite(cpu)) rows.push(['processor time', duration(cpu)]);
  if (price > 0) {
    rows.push(['price of the machine', `${dollars(price)} an hour`], ['spent', dollars(spent)]);
    rows.push(['budget', limit > 0 ? dollars(limit) : 'none']);
    if (done > 0) rows.push(['1000 steps', dollars((1000 * spent) / done)]);
    const epochs = numberAt(summary, 'epochs');
    if (epochs > 0) rows.push(['an epoch', dollars(spent / epochs)]);
    if (planned > done && done > 0)
      rows.push(['what is left of the plan, at this rate', dollars((spent / done) * (planned - done))]);
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
