import { type BootstrapOptions, bootstrapIntervals, type Interval } from './bootstrap.js';
import { type Confusion, decisionsOf } from './decisions.js';
import { type RankedScores, ScoreOrder } from './rankedScores.js';
import { averagePrecisionOf, equalErrorRateOf, rocAucOf } from './ranking.js';

/** A scored video. `identity`: what was sampled independently, for the intervals. */
export type ScoredItem = { label: 0 | 1; score: number; identity: string };

export const MEASURE_NAMES = ['auc', 'eer', 'ap', 'accuracy', 'precision', 'recall', 'f1'] as const;
export type MeasureName = (typeof MEASURE_NAMES)[number];

/** A figure and its bootstrap interval; null where it has no value, or none in half of the draws. */
export type Figure = { value: number | null; interval: Omit<Interval, 'resamples'> | null };

export type Measures = { reals: number; fakes: number; identities: number; confusion: Confusion } & Record<
  MeasureName,
  Figure
>;

export type MeasureOptions = BootstrapOptions & {
  /** What scores this or more is called fake. */
  threshold: number;
};

/** All measures of some videos' scores, with intervals over identities. @throws RangeError for scores not finite. */
export function measure(items: readonly ScoredItem[], options: MeasureOptions): Measures {
  const { order, clusters, units } = clustered(items);
  const figuresOf = (ranked: RankedScores): Record<MeasureName, number> => {
    const { accuracy, precision, recall, f1 } = decisionsOf(ranked, options.threshold);
    return {
      auc: rocAucOf(ranked),
      eer: equalErrorRateOf(ranked),
      ap: averagePrecisionOf(ranked),
      ...{ accuracy, precision, recall, f1 },
    };
  };
  const ranked = order.count();
  const values = figuresOf(ranked);
  const intervals = bootstrapIntervals(
    units,
    (draws) => figuresOf(order.count((item) => draws[clusters[item]!]!)),
    options,
  );
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = decisionsOf(ranked, options.threshold);
  const figures = Object.fromEntries(MEASURE_NAMES.map((name) => [name, figure(values[name], intervals[name])]));
  return {
    reals: ranked.reals,
    fakes: ranked.fakes,
    identities: units,
    ...(figures as Record<MeasureName, Figure>),
    confusion: { truePositives, falsePositives, trueNegatives, falseNegatives },
  };
}

/** The AUC alone, for a quantity that is no probability. */
export function measureAuc(items: readonly ScoredItem[], options: BootstrapOptions): Figure {
  const { order, clusters, units } = clustered(items);
  const { auc } = bootstrapIntervals(
    units,
    (draws) => ({ auc: rocAucOf(order.count((item) => draws[clusters[item]!]!)) }),
    options,
  );
  return figure(rocAucOf(order.count()), auc);
}

function clustered(items: readonly ScoredItem[]): { order: ScoreOrder; clusters: number[]; units: number } {
  const numbers = new Map<string, number>();
  const clusters = items.map(({ identity }) => {
    const number = numbers.get(identity) ?? numbers.size;
    numbers.set(identity, number);
    return number;
  });
  const order = new ScoreOrder(
    items.map(({ label }) => label),
    items.map(({ score }) => score),
  );
  return { order, clusters, units: numbers.size };
}

export function figure(value: number, interval: Interval | null | undefined): Figure {
  return {
    value: Number.isNaN(value) ? null : value,
    interval: interval && !Number.isNaN(value) ? { low: interval.low, high: interval.high } : null,
  };
}
