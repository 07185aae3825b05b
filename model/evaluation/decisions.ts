export type Decisions = {
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
  accuracy: number;
  /** 0 when nothing was called fake. */
  precision: number;
  /** 0 when there is no fake. */
  recall: number;
  f1: number;
};

/** Counts and rates of calling fake what scores `threshold` or more. Labels: 0 real, 1 fake. */
export function decisionsAt(labels: ArrayLike<number>, scores: ArrayLike<number>, threshold = 0.5): Decisions {
  if (labels.length !== scores.length) {
    throw new RangeError(`expected as many scores as labels, received ${scores.length} and ${labels.length}`);
  }
  const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  for (let i = 0; i < labels.length; i++) {
    const called = scores[i]! >= threshold;
    if (labels[i] === 1) counts[called ? 'truePositives' : 'falseNegatives']++;
    else counts[called ? 'falsePositives' : 'trueNegatives']++;
  }
  const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = counts;
  const rate = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    ...counts,
    accuracy: labels.length === 0 ? Number.NaN : (tp + tn) / labels.length,
    precision: rate(tp, tp + fp),
    recall: rate(tp, tp + fn),
    f1: rate(2 * tp, 2 * tp + fp + fn),
  };
}
