import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html } from '../report/html.js';
import { lineChart } from '../report/lineChart.js';
import { PALETTE } from '../report/palette.js';
import type { Point } from '../report/thinPoints.js';
import { OVER_STEPS } from './overSteps.js';
import { column, numberAt, valueAt } from './rowValues.js';
import type { Row, RunRecord } from './runRecord.js';
import { smoothedSeries } from './smoothedSeries.js';

const STAGES: readonly { key: string; name: string; items: string }[] = [
  { key: 'synthesis', name: 'making pairs (workers)', items: 'pairs' },
  { key: 'training', name: 'training', items: 'micro-batches' },
];

/** How fast the stages of the flow were, and which of them waited for which. */
export function throughput(record: RunRecord): HtmlValue {
  const { summary, steps } = record;
  return [
    summary && valueAt(summary, 'stages')
      ? stageTable(summary)
      : html`<p>The figures by stage are written when a run ends; this one has left none.</p>`,
    workers(summary),
    steps.length > 0 && timeCharts(steps),
    counters(summary),
  ];
}

function stageTable(summary: Row): HtmlValue {
  const rows = STAGES.filter(({ key }) => valueAt(summary, 'stages', key)).map((stage) => ({
    ...stage,
    at: (name: string) => numberAt(summary, 'stages', stage.key, name),
  }));
  return html`${dataTable(rows, [
    { name: 'stage', cell: ({ name }) => name },
    { name: 'done', cell: ({ at, items }) => `${count(at('count'))} ${items}`, numeric: true },
    { name: 'per second', cell: ({ at }) => fixed(at('perSecond'), 2), numeric: true },
    {
      name: 'one takes',
      title: 'mean time from start to finish',
      cell: ({ at }) => milliseconds(at('meanTaskMs')),
      numeric: true,
    },
    { name: 'at work', title: 'mean number at once', cell: ({ at }) => fixed(at('meanInFlight'), 2), numeric: true },
    { name: 'queued: mean', cell: ({ at }) => fixed(at('meanQueued'), 2), numeric: true },
    { name: 'most', cell: ({ at }) => count(at('maxQueued')), numeric: true },
    {
      name: 'waited',
      title: 'nothing queued and nothing at work',
      cell: ({ at }) => `${fixed(at('waitMs') / 1000, 1)} s`,
      numeric: true,
    },
    { name: 'ready', cell: ({ at }) => percent(at('readiness')), numeric: true },
  ])}<p class="caption">Since the last (re)start. “Ready” is the share of the time in which a stage had something to do. That of training is the figure to watch: what is below 100 % was paid for and not used. Workers that wait are no fault: they have made as much ahead as they may.</p>`;
}

function workers(summary: Row | undefined): HtmlValue {
  const at = (name: string) => numberAt(summary, 'workers', name);
  if (!Number.isFinite(at('threads'))) return null;
  return html`<p>${counted(at('threads'), 'worker')} made ${count(at('tasks'))} pairs, ${milliseconds(at('cpuMs') / at('tasks'))} of processor time each; ${count(at('died'))} died and were replaced, ${count(at('recycled'))} were replaced in good health; the largest held ${fixed(at('maxHeldBytes') / 2 ** 20, 0)} MiB.</p>`;
}

function timeCharts(steps: readonly Row[]): HtmlValue {
  // The first step holds the engine's start, and would set the scale for all others.
  const later = steps.length > 1 ? steps.slice(1) : steps;
  const share = later.map((row): Point => {
    const [wait, work] = [numberAt(row, 'data_wait_ms'), numberAt(row, 'step_ms')];
    return [numberAt(row, 'step'), work / (work + wait)];
  });
  const rate = later.map((row): Point => {
    const seconds = (numberAt(row, 'data_wait_ms') + numberAt(row, 'step_ms')) / 1000;
    return [numberAt(row, 'step'), numberAt(row, 'clips') / seconds];
  });
  return html`<div class="charts even">${[
    lineChart({
      title: 'Time of a step',
      ...OVER_STEPS,
      yLabel: 'ms',
      series: [
        ...smoothedSeries('computing', column(later, 'step_ms'), PALETTE[0]),
        ...smoothedSeries('waiting for data', column(later, 'data_wait_ms'), PALETTE[1]),
      ],
      caption: steps.length > 1 && `Without the first step (${milliseconds(numberAt(steps[0], 'step_ms'))}).`,
    }),
    lineChart({
      title: 'Readiness',
      ...OVER_STEPS,
      yLabel: 'share of the time',
      yDomain: [0, 1],
      series: [
        ...smoothedSeries('by step', share, PALETTE[0]),
        { name: 'since the start', points: column(later, 'readiness'), colour: PALETTE[2], dash: '6 3' },
      ],
      caption: 'How much of the time a batch was ready when the trainer asked for one.',
    }),
    lineChart({
      title: 'Clips trained on',
      ...OVER_STEPS,
      yLabel: 'clips per second',
      series: smoothedSeries('clips per second', rate, PALETTE[0]),
      caption: 'Real and self-blended ones, validation and checkpoints not counted in the time.',
    }),
  ]}</div>`;
}

function counters(summary: Row | undefined): HtmlValue {
  const times = Object.entries((valueAt(summary, 'counters') as Record<string, number> | undefined) ?? {});
  if (times.length === 0) return null;
  return html`<details><summary>What was done to the samples</summary>${dataTable(times, [
    { name: 'what', cell: ([name]) => name.replaceAll('_', ' ') },
    { name: 'times', cell: ([, value]) => count(value), numeric: true },
  ])}</details>`;
}

const count = (value: number): string => (Number.isFinite(value) ? value.toLocaleString('en') : '–');
const counted = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;
const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const percent = (value: number): string => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–');
const milliseconds = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
};
