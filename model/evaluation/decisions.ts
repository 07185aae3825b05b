import { type RankedScores, rankScores } from './rankedScores.js';

export type Confusion = {
  truePositives: number;
  falsePositives: number;
  trueNegatives: number;
  falseNegatives: number;
};

export type Decisions = Confusion & {
  accuracy: number;
  /** 0 when nothing was called fake. */
  precision: number;
  /** 0 when there is no fake. */
  recall: number;
  f1: number;
};

/** Counts and rates of calling fake what scores `threshold` or more. Labels: 0 real, 1 fake. */
export const decisionsAt = (labels: ArrayLike<number>, scores: ArrayLike<number>, threshold = 0.5): Decisions =>
  decisionsOf(rankScores(labels, scores), threshold);

/** As `decisionsAt`, of scores ranked already. */
export function decisionsOf({ groups, reals, fakes }: RankedScores, threshold = 0.5): Decisions {
  let tp = 0;
  let fp = 0;
  for (const group of groups) {
    if (group.score < threshold) break;
    tp += group.fakes;
    fp += group.reals;
  }
  const tn = reals - fp;
  const fn = fakes - tp;
  const rate = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    truePositives: tp,
    falsePositives: fp,
    trueNegatives: tn,
    falseNegatives: fn,
    accuracy: reals + fakes === 0 ? Number.NaN : (tp + tn) / (reals + fakes),
    precision: rate(tp, tp + fp),
    recall: rate(tp, tp + fn),
    f1: rate(2 * tp, 2 * tp + fp + fn),
  };
}
