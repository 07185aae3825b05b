import type { UniformSource } from '../layers/initializers.js';

export type BootstrapOptions = {
  /** Draws of as many units as there are. */
  resamples: number;
  /** Share of the bootstrap distribution inside the interval, e.g. 0.95. */
  level: number;
  uniform: UniformSource;
};

/** `resamples`: how many of the draws gave a value; draws without one (a class was missing) are left out. */
export type Interval = { low: number; high: number; resamples: number };

/** Draws in which a figure must have had a value for its interval to be worth telling. */
const LEAST_DEFINED = 0.5;

/**
 * Percentile bootstrap (Efron, 1979): draws `units` units with replacement, again and again, and takes the quantiles of
 * the figures so obtained. A unit is what was sampled independently: a person and not a video, since several videos of
 * one person are no independent evidence (a cluster bootstrap: Davison and Hinkley, Bootstrap Methods, 1997, §3.8).
 *
 * @param figures the figures of a draw, given how often each unit is in it; NaN where one has no value
 * @returns null for a figure that had no value in half of the draws
 */
export function bootstrapIntervals<K extends string>(
  units: number,
  figures: (draws: Uint32Array) => Record<K, number>,
  { resamples, level, uniform }: BootstrapOptions,
): Record<K, Interval | null> {
  const all = new Map<K, number[]>();
  const draws = new Uint32Array(units);
  for (let resample = 0; resample < resamples; resample++) {
    draws.fill(0);
    for (let i = 0; i < units; i++) draws[Math.floor(uniform() * units)]!++;
    for (const [name, value] of Object.entries(figures(draws)) as [K, number][]) {
      const values = all.get(name) ?? [];
      if (values.length === 0) all.set(name, values);
      if (!Number.isNaN(value)) values.push(value);
    }
  }
  const interval = (values: number[]): Interval | null => {
    if (values.length === 0 || values.length < LEAST_DEFINED * resamples) return null;
    const sorted = Float64Array.from(values).sort();
    return {
      low: quantile(sorted, (1 - level) / 2),
      high: quantile(sorted, (1 + level) / 2),
      resamples: values.length,
    };
  };
  return Object.fromEntries([...all].map(([name, values]) => [name, interval(values)])) as Record<K, Interval | null>;
}

/** Quantile of sorted values, straight lines drawn between them (Hyndman and Fan's type 7, as NumPy). */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
