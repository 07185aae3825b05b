import { html, type Markup } from './html.js';
import { lineChart } from './lineChart.js';

export type RocCurve = { name: string; corners: readonly { fpr: number; tpr: number }[] };

/** ROC curves in the unit square with the diagonal of chance. Corners rise from (0, 0) to (1, 1). */
export function rocChart(title: string, curves: readonly RocCurve[]): Markup {
  return lineChart({
    title,
    width: 420,
    height: 400,
    xLabel: 'reals called fake (false-positive rate)',
    yLabel: 'fakes found (true-positive rate)',
    xDomain: [0, 1],
    yDomain: [0, 1],
    series: [
      ...curves.map(({ name, corners }) => ({ name, points: corners.map(({ fpr, tpr }) => [fpr, tpr] as const) })),
      {
        name: 'chance',
        colour: '#888888',
        dash: '3 3',
        points: [
          [0, 0],
          [1, 1],
        ] as const,
      },
    ],
    caption: html`Each corner is a threshold. A curve along the diagonal ranks no better than a coin.`,
  });
}
