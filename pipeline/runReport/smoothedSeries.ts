import type { Series } from '../report/lineChart.js';
import type { Point } from '../report/thinPoints.js';

/** Shorter curves are drawn as they are. */
const LEAST_POINTS = 40;
/** Share of a curve's points over which it is smoothed. */
const SPAN = 1 / 30;

/**
 * A noisy curve: the values pale, and over them their exponential moving average (corrected for its start, as in Adam),
 * whose memory is a thirtieth of the curve.
 */
export function smoothedSeries(name: string, points: readonly Point[], colour: string): Series[] {
  if (points.length < LEAST_POINTS) return [{ name, points, colour }];
  return [
    { name, points, colour, faint: true },
    { name, points: movingAverage(points, points.length * SPAN), colour },
  ];
}

/** Exponential moving average with a memory of `span` points; what is not finite is passed over. */
export function movingAverage(points: readonly Point[], span: number): Point[] {
  const keep = 1 - 1 / Math.max(1, span);
  let sum = 0;
  let weight = 0;
  return points.map(([x, y]) => {
    if (Number.isFinite(y)) {
      sum = keep * sum + (1 - keep) * y;
      weight = keep * weight + (1 - keep);
    }
    return [x, weight > 0 ? sum / weight : Number.NaN];
  });
}
