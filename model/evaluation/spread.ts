import { quantile } from './bootstrap.js';

/** How a quantity spreads over videos; null where there are none (for `deviation`: fewer than two). */
export type Spread = {
  count: number;
  mean: number | null;
  /** Standard deviation of the sample (n − 1). */
  deviation: number | null;
  /** Least, lower quartile, median, upper quartile, largest. */
  quartiles: [number, number, number, number, number] | null;
};

export function spread(values: readonly number[]): Spread {
  const count = values.length;
  if (count === 0) return { count, mean: null, deviation: null, quartiles: null };
  const sorted = Float64Array.from(values).sort();
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const at = (share: number) => quantile(sorted, share);
  return {
    count,
    mean,
    deviation: count < 2 ? null : Math.sqrt(squares / (count - 1)),
    quartiles: [at(0), at(0.25), at(0.5), at(0.75), at(1)],
  };
}
