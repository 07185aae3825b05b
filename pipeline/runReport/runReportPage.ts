import { basename } from 'node:path';
import { evaluationLead, evaluationSections } from '../evaluation/evaluationPage.js';
import { duration } from '../progress.js';
import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html } from '../report/html.js';
import { htmlPage, type PageSection } from '../report/htmlPage.js';
import { usd, usdGiven } from '../usd.js';
import { configuration } from './configuration.js';
import { costs, spentUsd } from './costs.js';
import { curves } from './curves.js';
import { nextSteps } from './nextSteps.js';
import { numberAt, textAt } from './rowValues.js';
import { runEnding } from './runEnding.js';
import { runFindings } from './runFindings.js';
import type { RunRecord } from './runRecord.js';
import { throughput } from './throughput.js';

/** Rows of the quarantine that a report shows; the file has them all. */
const MOST_QUARANTINED = 200;

/** Events that a report shows; the file has them all. */
const MOST_EVENTS = 100;

/** Sheets of at most so many pixels (few frames) stand two in a row. */
const HALF = 640;

/** The whole page `report.html` of a run, from what it has left in its folder. */
export function runReportPage(record: RunRecord): string {
  const sections: PageSection[] = [
    { id: 'curves', title: 'Curves', content: curves(record) },
    { id: 'throughput', title: 'Throughput', content: throughput(record) },
    { id: 'samples', title: 'What the model saw', content: samples(record) },
    ...record.evaluations.map(
      ({ name, result, videos }, at): PageSection => ({
        id: `evaluation-${at + 1}`,
        title: record.evaluations.length === 1 ? 'Evaluation' : `Evaluation: ${name}`,
        content: [
          evaluationLead(result),
          evaluationSections(result, videos).map(({ title, content }) => html`<h3>${title}</h3>${content}`),
        ],
      }),
    ),
    ...(record.events.length > 0 ? [{ id: 'events', title: 'Events', content: events(record) }] : []),
    { id: 'quarantine', title: 'Quarantine', content: quarantine(record) },
    { id: 'cost', title: 'Cost', content: costs(record) },
    { id: 'configuration', title: 'Configuration', content: configuration(record) },
  ];
  return htmlPage({ title: `Run ${basename(record.folder)}`, lead: lead(record), sections });
}

function lead(record: RunRecord): HtmlValue {
  const { config, problems } = record;
  const ending = runEnding(record);
  const findings = runFindings(record);
  return [
    html`<p class="soft"><bdi>${textAt(config, 'description') ?? `Phase ${textAt(config, 'phase')}`}</bdi></p>`,
    html`<div class="note${ending.trouble && ' warn'}"><p><b>${ending.reason.replaceAll('_', ' ')}</b>: ${ending.text}</p>${nextSteps(record, ending)}</div>`,
    tiles(record),
    findings.length > 0 && html`<ul>${findings.map((text) => html`<li>${text}</li>`)}</ul>`,
    problems.length > 0 && html`<div class="note warn">${problems.map((text) => html`<p>${text}</p>`)}</div>`,
  ];
}

function tiles(record: RunRecord): HtmlValue {
  const { summary, steps, validations, quarantine: list, config } = record;
  const last = steps.at(-1);
  const best = validations.reduce<(typeof validations)[number] | undefined>(
    (top, row) => (numberAt(row, 'auc') > (top ? numberAt(top, 'auc') : Number.NEGATIVE_INFINITY) ? row : top),
    undefined,
  );
  const planned = numberAt(summary, 'planned_steps');
  const step = last ? numberAt(last, 'step') : 0;
  const tile = (name: string, value: string, more?: HtmlValue) =>
    html`<div>${name}<b>${value}</b><small>${more}</small></div>`;
  const seconds = numberAt(summary, 'wall_seconds');
  return html`<div class="tiles">${[
    tile(
      'steps',
      step.toLocaleString('en'),
      planned > 0 && `of ${planned.toLocaleString('en')}, ${(numberAt(summary, 'epochs') || 0).toFixed(1)} epochs`,
    ),
    tile(
      'best validation AUC',
      best ? numberAt(best, 'auc').toFixed(3) : '–',
      best && `step ${numberAt(best, 'step').toLocaleString('en')}`,
    ),
    tile(
      'loss',
      last && Number.isFinite(numberAt(last, 'loss')) ? numberAt(last, 'loss').toFixed(4) : '–',
      'of the last step',
    ),
    tile('data ready', last ? `${(100 * numberAt(last, 'readiness')).toFixed(1)} %` : '–', 'of the time'),
    tile('time', Number.isFinite(seconds) ? duration(seconds) : '–'),
    tile('spent', usd(spentUsd(record)), budgetText(config)),
    tile('in quarantine', String(list.length), 'clips'),
    tile('parameters', numberAt(config, 'parameters').toLocaleString('en'), textAt(config, 'engine', 'name')),
  ]}</div>`;
}

function budgetText(config: RunRecord['config']): string {
  const [price, limit] = ['cost_per_hour', 'max_budget'].map((name) => numberAt(config, 'config', 'training', name));
  return price! > 0 && limit! > 0 ? `of ${usdGiven(limit!)}` : 'no budget';
}

function samples({ samples: sheets }: RunRecord): HtmlValue {
  if (sheets.length === 0) return html`<p>No picture was kept.</p>`;
  return html`<p>Pairs as they went to the model, every pixel of them: the real clip, its self-blended twin, and how they differ. Where the difference lies outside the face or fills the frame, or where faces are cut off, the crops or landmarks are not what training expects.</p>
<div class="sheets">${sheets.map(
    ({ step, width, height, jpeg }) =>
      html`<figure class="${width <= HALF && 'half'}"><img alt="pairs of step ${step}" width="${width}" height="${height}" src="data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}"/></figure>`,
  )}</div>`;
}

function events({ events: list }: RunRecord): HtmlValue {
  const shown = list.slice(-MOST_EVENTS);
  return html`<p>Troubles the run had, and what was done about them${shown.length < list.length && `; the last ${shown.length} of ${list.length}, the others are in events.jsonl`}.</p>${dataTable(
    shown,
    [
      { name: 'when', cell: (row) => (textAt(row, 'time') ?? '').slice(0, 19).replace('T', ' ') },
      { name: 'what', cell: (row) => (textAt(row, 'kind') ?? '').replaceAll('_', ' ') },
      { name: '', cell: (row) => textAt(row, 'message') },
    ],
  )}`;
}

function quarantine({ quarantine: list }: RunRecord): HtmlValue {
  if (list.length === 0) return html`<p>Empty: every clip could be used.</p>`;
  return html`<p>Clips that could not be used; others took their place.</p>${dataTable(
    list.slice(0, MOST_QUARANTINED),
    [
      { name: 'clip', cell: ({ clip }) => html`<bdi>${clip}</bdi>` },
      { name: 'stage', cell: ({ stage }) => stage },
      { name: 'reason', cell: ({ reason }) => reason },
      { name: 'attempts', cell: ({ attempts }) => attempts, numeric: true },
    ],
  )}${list.length > MOST_QUARANTINED && html`<p>And ${list.length - MOST_QUARANTINED} more, in quarantine.jsonl.</p>`}`;
}
