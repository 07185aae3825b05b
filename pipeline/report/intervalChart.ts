import { scaleLinear } from 'd3-scale';
import { chartFrame, pixel } from './chartFrame.js';
import { type HtmlValue, html, type Markup } from './html.js';
import { PALETTE } from './palette.js';
import { rowName } from './rowName.js';

export type IntervalChartOptions = {
  title: string;
  caption?: HtmlValue;
  xLabel: string;
  domain: readonly [number, number];
  rows: readonly { name: string; value: number | null; interval: { low: number; high: number } | null }[];
  /** A vertical line, e.g. chance. */
  mark?: { at: number; name: string };
};

const ROW = 26;

/** A dot and its interval per row. */
export function intervalChart({ rows, domain, mark, ...options }: IntervalChartOptions): Markup {
  const x = scaleLinear().domain([...domain]);
  const frame = { ...options, x: { label: options.xLabel, scale: x }, left: 150, height: 62 + rows.length * ROW };
  return chartFrame(frame, ({ left, top, bottom }) => [
    mark &&
      html`<line class="mark" x1="${pixel(x(mark.at))}" x2="${pixel(x(mark.at))}" y1="${top}" y2="${bottom}"><title>${mark.name}</title></line>`,
    rows.map(({ name, value, interval }, at) => {
      const y = top + (at + 0.5) * ROW;
      return html`${rowName(name, left, y)}${
        interval &&
        html`<line x1="${pixel(x(interval.low))}" x2="${pixel(x(interval.high))}" y1="${y}" y2="${y}" stroke="${PALETTE[0]}" stroke-width="2"/>`
      }${value !== null && html`<circle cx="${pixel(x(value))}" cy="${y}" r="4" fill="${PALETTE[0]}"/>`}`;
    }),
  ]);
}
