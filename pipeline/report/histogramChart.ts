import { bin, max } from 'd3-array';
import { scaleLinear } from 'd3-scale';
import { chartFrame, pixel } from './chartFrame.js';
import { type HtmlValue, html, type Markup } from './html.js';

export type HistogramOptions = {
  title: string;
  caption?: HtmlValue;
  xLabel: string;
  domain: readonly [number, number];
  /** Bars, each with its share of the group's values: groups of unequal size can be compared. */
  groups: readonly { name: string; colour: string; values: readonly number[] }[];
  bins?: number;
  /** A vertical line, e.g. a threshold. */
  mark?: { at: number; name: string };
};

/** How values of several groups are distributed, their bars over one another. */
export function histogramChart({ groups, domain, bins = 20, mark, ...options }: HistogramOptions): Markup {
  const [low, high] = domain;
  const edges = Array.from({ length: bins - 1 }, (_, i) => low + ((high - low) * (i + 1)) / bins);
  const binned = groups.map(({ values, ...group }) => ({
    ...group,
    count: values.length,
    bars: bin<number, number>().domain([low, high]).thresholds(edges)(values),
  }));
  const shareOf = (count: number, length: number) => (count === 0 ? 0 : length / count);
  const highest = max(binned.flatMap(({ bars, count }) => bars.map((bar) => shareOf(count, bar.length)))) ?? 0;
  const x = scaleLinear().domain([low, high]);
  const y = scaleLinear()
    .domain([0, highest || 1])
    .nice();
  const legend = binned.map(({ name, colour, count }) => ({ name: `${name} (${count})`, colour }));
  const axes = { x: { label: options.xLabel, scale: x }, y: { label: 'share of the group', scale: y } };
  return chartFrame({ ...options, ...axes, legend }, ({ top, bottom }) => [
    binned.map(({ name, colour, bars, count }) =>
      bars
        .filter((bar) => bar.length > 0)
        .map((bar) => {
          const [from, to] = [pixel(x(bar.x0!)), pixel(x(bar.x1!))];
          const above = pixel(y(shareOf(count, bar.length)));
          return html`<rect x="${from}" y="${above}" width="${Math.max(1, to - from - 1)}" height="${pixel(bottom - above)}" fill="${colour}" fill-opacity="0.5"><title>${name}: ${bar.length} from ${bar.x0!.toPrecision(3)} to ${bar.x1!.toPrecision(3)}</title></rect>`;
        }),
    ),
    mark &&
      html`<line class="mark" x1="${pixel(x(mark.at))}" x2="${pixel(x(mark.at))}" y1="${top}" y2="${bottom}"><title>${mark.name}</title></line>`,
  ]);
}
