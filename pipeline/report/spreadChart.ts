import { extent } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { chartFrame, pixel } from './chartFrame.js';
import { type HtmlValue, html, type Markup } from './html.js';
import { rowName } from './rowName.js';

export type SpreadRow = {
  name: string;
  colour: string;
  /** Least, lower quartile, median, upper quartile, largest; null draws nothing. */
  quartiles: readonly [number, number, number, number, number] | null;
  mean: number | null;
};

const ROW = 26;
const BOX = 14;

/** Box plots (Tukey's, whiskers to the extremes) with the mean as a dot, one a row. */
export function spreadChart({
  rows,
  ...options
}: {
  title: string;
  caption?: HtmlValue;
  xLabel: string;
  rows: readonly SpreadRow[];
}): Markup {
  const [low = 0, high = 1] = extent(rows.flatMap(({ quartiles }) => [...(quartiles ?? [])]));
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  const x = scaleLinear()
    .domain([low - room, high + room])
    .nice();
  const frame = {
    ...options,
    x: { label: options.xLabel, scale: x, ticks: 5 },
    left: 150,
    height: 62 + rows.length * ROW,
  };
  return chartFrame(frame, ({ left, top }) =>
    rows.map(({ name, colour, quartiles, mean }, at) => {
      const y = top + (at + 0.5) * ROW;
      if (!quartiles) return rowName(name, left, y);
      const [least, lower, median, upper, most] = quartiles.map((value) => pixel(x(value))) as number[] as [
        number,
        number,
        number,
        number,
        number,
      ];
      return html`${rowName(name, left, y)}<line x1="${least}" x2="${most}" y1="${y}" y2="${y}" stroke="${colour}"/><rect x="${lower}" y="${y - BOX / 2}" width="${Math.max(1, pixel(upper - lower))}" height="${BOX}" fill="${colour}" fill-opacity="0.35" stroke="${colour}"/><line x1="${median}" x2="${median}" y1="${y - BOX / 2}" y2="${y + BOX / 2}" stroke="${colour}" stroke-width="2.5"/>${
        mean !== null && html`<circle cx="${pixel(x(mean))}" cy="${y}" r="3" fill="${colour}"/>`
      }`;
    }),
  );
}
