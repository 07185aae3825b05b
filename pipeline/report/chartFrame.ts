import type { ScaleContinuousNumeric } from 'd3-scale';
import { type HtmlValue, html, type Markup } from './html.js';

export type Scale = ScaleContinuousNumeric<number, number>;

export type Axis = {
  label: string;
  /** Maps values to pixels; its range is set by the frame. */
  scale: Scale;
  /** Roughly how many ticks. Default 6. */
  ticks?: number;
  /** Values are whole numbers, so ticks between them would mean nothing. */
  whole?: boolean;
  /** How ticks are written, as d3-format has it. Default: the scale's own way. */
  format?: string;
};

export type LegendEntry = { name: string; colour: string; dash?: string };

export type ChartFrameOptions = {
  /** Heading, and what a screen reader says of the picture. */
  title: string;
  /** A sentence below the picture. */
  caption?: HtmlValue;
  x: Axis;
  /** Left out where rows are named by the marks themselves. */
  y?: Axis;
  legend?: readonly LegendEntry[];
  /** Pixels, axes included. */
  width?: number;
  height?: number;
  /** Room on the left, pixels; more where rows have names. */
  left?: number;
};

export type Plot = { left: number; right: number; top: number; bottom: number };

const TOP = 10;
const RIGHT = 14;
const BOTTOM = 42;

/**
 * An SVG picture with axes, grid, legend and caption, around marks that are drawn once the scales have their ranges.
 * Everything is inline: the page needs no script and no other file.
 */
export function chartFrame(options: ChartFrameOptions, marks: (plot: Plot) => HtmlValue): Markup {
  const { title, caption, x, y, legend = [], width = 480, height = 300, left = y ? 66 : 130 } = options;
  const plot: Plot = { left, right: width - RIGHT, top: TOP, bottom: height - BOTTOM };
  x.scale.range([plot.left, plot.right]);
  y?.scale.range([plot.bottom, plot.top]);
  return html`<figure class="chart"><figcaption><b>${title}</b></figcaption>
<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
${xTicks(x, plot)}${y && yTicks(y, plot)}
<g>${marks(plot)}</g>
<text class="label" x="${(plot.left + plot.right) / 2}" y="${height - 6}" text-anchor="middle">${x.label}</text>
${y && html`<text class="label" transform="translate(11 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>`}
</svg>
${legend.length > 0 && html`<p class="legend">${legend.map(legendEntry)}</p>`}
${caption && html`<p class="caption">${caption}</p>`}</figure>
`;
}

function legendEntry({ name, colour, dash = '' }: LegendEntry): Markup {
  return html`<span><svg width="22" height="10" aria-hidden="true"><line x1="0" y1="5" x2="22" y2="5" stroke="${colour}" stroke-width="3" stroke-dasharray="${dash}"/></svg> <bdi>${name}</bdi></span> `;
}

/** Values in even steps; a logarithmic scale leaves the text of some of its ticks empty, and those are not drawn. */
const labelled = ({ scale, ticks = 6, whole = false, format: specifier }: Axis): { value: number; text: string }[] => {
  const format = scale.tickFormat(ticks, whole ? ',d' : specifier);
  return scale
    .ticks(ticks)
    .filter((value) => !whole || Number.isInteger(value))
    .map((value) => ({ value, text: format(value) }))
    .filter(({ text }) => text !== '');
};

const xTicks = (axis: Axis, { top, bottom }: Plot): Markup[] =>
  labelled(axis).map(({ value, text }) => {
    const at = pixel(axis.scale(value));
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/><text x="${at}" y="${bottom + 15}" text-anchor="middle">${text}</text>`;
  });

const yTicks = (axis: Axis, { left, right }: Plot): Markup[] =>
  labelled(axis).map(({ value, text }) => {
    const at = pixel(axis.scale(value));
    return html`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${left - 6}" y="${at + 4}" text-anchor="end">${text}</text>`;
  });

/** Tenths of a pixel are as fine as a screen shows. */
export const pixel = (value: number): number => Math.round(value * 10) / 10;
