import { max } from 'd3-array';
import { type HtmlValue, html } from '../report/html.js';
import { lineChart } from '../report/lineChart.js';
import { PALETTE } from '../report/palette.js';
import { OVER_STEPS } from './overSteps.js';
import { column, numberAt } from './rowValues.js';
import type { RunRecord } from './runRecord.js';
import { smoothedSeries } from './smoothedSeries.js';

const [BLUE, ORANGE, GREEN, PINK] = PALETTE;

/** How training went, over optimiser steps. */
export function curves({ steps, validations, config }: RunRecord): HtmlValue {
  if (steps.length === 0) return html`<p>No step has been finished.</p>`;
  const smoothed = (name: string, key: string, colour: string) => smoothedSeries(name, column(steps, key), colour);
  const limit = numberAt(config, 'config', 'training', 'max_grad_norm');
  const [first, last] = [steps[0], steps.at(-1)].map((row) => numberAt(row, 'step')) as [number, number];
  const hllWeight = numberAt(config, 'config', 'training', 'hll_loss_weight');
  return html`<div class="charts even">${[
    lineChart({
      title: 'Loss',
      ...OVER_STEPS,
      yLabel: 'loss',
      series: [...smoothed('whole', 'loss', BLUE), ...smoothed('cross-entropy', 'ce', ORANGE)],
      caption: html`Over training batches, with label smoothing: a coin's cross-entropy is ln 2 = 0.693.${Number.isFinite(hllWeight) && ` The HLL loss counts ${hllWeight} times.`}`,
    }),
    validation(validations),
    lineChart({
      title: 'Flicker (HLL) of reals and fakes',
      ...OVER_STEPS,
      yLabel: 'HLL ratio',
      series: [...smoothed('real', 'hll_real', BLUE), ...smoothed('fake', 'hll_fake', ORANGE)],
      caption:
        'Share of the band of fast change in time and slow change in space in the energy of all bands, mean of the batch.',
    }),
    lineChart({
      title: 'HLL gap: fakes over reals',
      ...OVER_STEPS,
      yLabel: 'difference of the ratios',
      series: smoothed('gap', 'gap', PINK),
      caption: 'Above 0, fakes flicker more than reals, which is what the HLL loss asks for, up to its margin.',
    }),
    lineChart({
      title: 'HLL loss',
      ...OVER_STEPS,
      yLabel: 'loss, before its weight',
      series: smoothed('loss', 'hll', GREEN),
    }),
    lineChart({
      title: 'Learning rate',
      ...OVER_STEPS,
      yLabel: 'rate',
      series: [{ name: 'learning rate', points: column(steps, 'lr') }],
    }),
    lineChart({
      title: 'Gradient norm',
      ...OVER_STEPS,
      yLabel: 'norm, before clipping',
      logarithmic: true,
      series: [
        ...smoothed('norm', 'grad_norm', BLUE),
        ...(limit > 0
          ? [
              {
                name: `clipped to ${limit}`,
                colour: '#888888',
                dash: '3 3',
                points: [
                  [first, limit],
                  [last, limit],
                ] as const,
              },
            ]
          : []),
      ],
      caption: 'A rising norm is the first sign of a learning rate that is too high.',
    }),
    lineChart({
      title: 'Memory',
      ...OVER_STEPS,
      yLabel: 'resident, MB',
      yDomain: [0, 1.1 * (max(steps, (row) => numberAt(row, 'rss_mb')) || 1)],
      series: [{ name: 'resident', points: column(steps, 'rss_mb') }],
      caption: 'Of the whole process with its workers, without the memory of a GPU.',
    }),
  ]}</div>`;
}

function validation(rows: RunRecord['validations']): HtmlValue {
  const curve = (name: string, key: string, colour: string) => ({ name, points: column(rows, key), colour });
  const steps = rows.map((row) => numberAt(row, 'step'));
  const series = [
    curve('AUC', 'auc', BLUE),
    curve('AP', 'ap', GREEN),
    curve('accuracy at 0.5', 'accuracy', PINK),
    curve('EER', 'eer', ORANGE),
  ];
  return lineChart({
    title: 'Validation',
    ...OVER_STEPS,
    yLabel: 'value',
    yDomain: [0, 1],
    series:
      rows.length < 2
        ? series
        : [
            ...series,
            {
              name: 'chance',
              colour: '#888888',
              dash: '3 3',
              points: [
                [steps[0]!, 0.5],
                [steps.at(-1)!, 0.5],
              ] as const,
            },
          ],
    caption: 'On self-blended pairs of people that training does not see.',
  });
}
