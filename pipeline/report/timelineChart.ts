import { scaleLinear } from 'd3-scale';
import { type ChartFrameOptions, chartFrame, pixel } from './chartFrame.js';
import { html, type Markup } from './html.js';
import { PALETTE } from './palette.js';

export type TimelineChartOptions = Pick<ChartFrameOptions, 'title' | 'caption' | 'width' | 'height'> & {
  /** Length of the whole, seconds. */
  seconds: number;
  yLabel: string;
  /** Values in [0,1] of parts of the whole; a part is one or more stretches of it. */
  parts: readonly { name: string; value: number; stretches: readonly { from: number; to: number }[] }[];
  /** Mean over the parts, and its interval. */
  mean?: { value: number; interval: { low: number; high: number } | null };
  /** A horizontal line, e.g. a threshold. */
  mark?: { at: number; name: string };
};

/** Short stretches of a long whole are drawn at least as wide, pixels. */
const LEAST_WIDTH = 5;

/** What was found in which seconds: a bar for every stretch, those of one part joined by a thin line. */
export function timelineChart({ seconds, yLabel, parts, mean, mark, ...options }: TimelineChartOptions): Markup {
  const x = scaleLinear().domain([0, seconds]);
  const y = scaleLinear().domain([0, 1]);
  const frame = {
    ...{ width: 600, height: 220, ...options },
    ...{ x: { label: 'seconds', scale: x, ticks: 8 }, y: { label: yLabel, scale: y, ticks: 5 } },
  };
  return chartFrame(frame, ({ left, right }) => {
    const bar = ({ from, to }: { from: number; to: number }) => {
      const width = Math.min(right - left, Math.max(LEAST_WIDTH, x(to) - x(from)));
      const start = Math.min(right - width, Math.max(left, (x(from) + x(to) - width) / 2));
      return { start: pixel(start), width: pixel(width) };
    };
    return [
      mean?.interval &&
        html`<rect x="${left}" width="${right - left}" y="${pixel(y(mean.interval.high))}" height="${pixel(Math.max(1, y(mean.interval.low) - y(mean.interval.high)))}" fill="${PALETTE[0]}" fill-opacity="0.14"><title>interval</title></rect>`,
      mean &&
        html`<line x1="${left}" x2="${right}" y1="${pixel(y(mean.value))}" y2="${pixel(y(mean.value))}" stroke="${PALETTE[0]}"><title>mean</title></line>`,
      mark &&
        html`<line class="mark" x1="${left}" x2="${right}" y1="${pixel(y(mark.at))}" y2="${pixel(y(mark.at))}"><title>${mark.name}</title></line>`,
      parts.map(({ name, value, stretches }) => {
        const bars = stretches.map(bar);
        const [first, last] = [bars[0]!, bars.at(-1)!];
        const at = pixel(y(value));
        return html`<g><title>${name}</title>${
          bars.length > 1 &&
          html`<line x1="${first.start}" x2="${pixel(last.start + last.width)}" y1="${at}" y2="${at}" stroke="${PALETTE[1]}" stroke-opacity="0.5"/>`
        }${bars.map(({ start, width }) => html`<rect x="${start}" width="${width}" y="${pixel(at - 3)}" height="6" rx="1.5" fill="${PALETTE[1]}"/>`)}</g>`;
      }),
    ];
  });
}
