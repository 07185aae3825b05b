import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { type ChartFrameOptions, chartFrame, pixel, type Scale } from './chartFrame.js';
import { html, type Markup } from './html.js';
import { seriesStyle } from './palette.js';
import { type Point, thinPoints } from './thinPoints.js';

/** A curve; where y is not finite the line is broken. x must rise. */
export type Series = {
  name: string;
  points: readonly Point[];
  colour?: string;
  dash?: string;
  /** Drawn thin and pale, and left out of the legend: what a smoothed curve was made from. */
  faint?: boolean;
};

export type LineChartOptions = Pick<ChartFrameOptions, 'title' | 'caption' | 'width' | 'height'> & {
  series: readonly Series[];
  xLabel: string;
  yLabel: string;
  /** x counts something, such as steps. */
  xWhole?: boolean;
  /** Default: what the points span, rounded outward. */
  xDomain?: readonly [number, number];
  yDomain?: readonly [number, number];
  /** Logarithmic y axis; values of 0 and less are left out. */
  logarithmic?: boolean;
};

/** Curves over a number, for instance a loss over steps. Says so in place of a picture where there is nothing to draw. */
export function lineChart(options: LineChartOptions): Markup {
  const { series, title, logarithmic = false } = options;
  const drawable = ([x, y]: Point) => Number.isFinite(x) && Number.isFinite(y) && (!logarithmic || y > 0);
  const all = series.flatMap(({ points }) => points.filter(drawable));
  if (all.length === 0)
    return html`<figure class="chart"><figcaption><b>${title}</b></figcaption><p class="caption">No values to draw.</p></figure>`;
  const x: Scale = scaleLinear().domain(options.xDomain ?? span(all.map((point) => point[0])));
  const y: Scale = logarithmic ? scaleLog() : scaleLinear();
  y.domain(options.yDomain ?? span(all.map((point) => point[1])));
  if (!options.yDomain) y.nice();
  const styled = series.map((one, at) => ({ ...seriesStyle(at), ...one }));
  const named = styled.filter(({ faint }) => !faint);
  return chartFrame(
    {
      ...options,
      x: { label: options.xLabel, scale: x, whole: options.xWhole ?? false },
      // Not the scale's own way, which would write 0.1 as 100m.
      y: { label: options.yLabel, scale: y, ...(logarithmic ? { format: '~g' } : {}) },
      legend: named.length > 1 ? named : [],
    },
    ({ left, right }) => {
      const path = line<Point>()
        .defined(drawable)
        .x(([value]) => pixel(x(value)))
        .y(([, value]) => pixel(y(value)));
      return styled.map(({ name, points, colour, dash, faint }) => {
        const drawn = thinPoints(points, right - left);
        const isDrawn = (at: number) => drawn[at] !== undefined && drawable(drawn[at]);
        const alone = drawn.filter((_, at) => isDrawn(at) && !isDrawn(at - 1) && !isDrawn(at + 1));
        const opacity = faint ? 0.35 : 1;
        // A line through one point alone would not be seen.
        const dots = alone.map(
          (point) =>
            html`<circle cx="${pixel(x(point[0]))}" cy="${pixel(y(point[1]))}" r="3" fill="${colour}" fill-opacity="${opacity}"/>`,
        );
        return alone.length === drawn.filter(drawable).length
          ? dots
          : html`<path d="${path(drawn) ?? ''}" fill="none" stroke="${colour}" stroke-width="${faint ? 1 : 1.8}" stroke-opacity="${opacity}" stroke-dasharray="${dash}"><title>${name}</title></path>${dots}`;
      });
    },
  );
}

/** Least and largest value; of equal values a range around them, which a scale needs. */
function span(values: readonly number[]): [number, number] {
  const [low, high] = extent(values) as [number, number];
  if (low < high) return [low, high];
  return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
}
