import { type RankedScores, rankScores } from './rankedScores.js';

/**
 * Measures of how well scores rank fakes (label 1) above reals (label 0). None needs a threshold.
 * All throw a RangeError when scores are not finite, and give NaN when one of the classes is missing.
 */

/**
 * Area under the ROC curve: the share of (real, fake) pairs that are ranked rightly, a tie counting half
 * (Mann and Whitney's U with mid-ranks).
 */
export const rocAuc = (labels: ArrayLike<number>, scores: ArrayLike<number>): number =>
  rocAucOf(rankScores(labels, scores));

/** Average precision: Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the distinct thresholds, without interpolation. */
export const averagePrecision = (labels: ArrayLike<number>, scores: ArrayLike<number>): number =>
  averagePrecisionOf(rankScores(labels, scores));

/**
 * Equal error rate: where false-positive and false-negative rate meet on the ROC curve, straight lines drawn between
 * its corners.
 */
export const equalErrorRate = (labels: ArrayLike<number>, scores: ArrayLike<number>): number =>
  equalErrorRateOf(rankScores(labels, scores));

/** As `rocAuc`, of scores ranked already. */
export function rocAucOf({ groups, reals, fakes }: RankedScores): number {
  let realsBelow = reals;
  let right = 0;
  for (const group of groups) {
    realsBelow -= group.reals;
    right += group.fakes * (realsBelow + group.reals / 2);
  }
  return right / (reals * fakes);
}

/** As `averagePrecision`, of scores ranked already. */
export function averagePrecisionOf({ groups, reals, fakes }: RankedScores): number {
  if (reals === 0 || fakes === 0) return Number.NaN;
  let found = 0;
  let taken = 0;
  let sum = 0;
  for (const group of groups) {
    found += group.fakes;
    taken += group.fakes + group.reals;
    sum += (group.fakes / fakes) * (found / taken);
  }
  return sum;
}

/** As `equalErrorRate`, of scores ranked already. */
export function equalErrorRateOf(ranked: RankedScores): number {
  let before = { fpr: 0, fnr: 1 };
  for (const { fpr, tpr } of rocCorners(ranked).slice(1)) {
    const fnr = 1 - tpr;
    // fpr − fnr rises from −1 to 1, so the first corner at or past 0 ends the segment with the crossing.
    if (fpr >= fnr) {
      const share = (before.fnr - before.fpr) / (before.fnr - before.fpr + fpr - fnr);
      return before.fpr + share * (fpr - before.fpr);
    }
    before = { fpr, fnr };
  }
  return Number.NaN;
}

/** A corner of the ROC curve: what is called fake scores `threshold` or more. */
export type RocCorner = { fpr: number; tpr: number; threshold: number };

/** The ROC curve's corners from (0, 0), where nothing is called fake, to (1, 1); empty when a class is missing. */
export function rocCorners({ groups, reals, fakes }: RankedScores): RocCorner[] {
  if (reals === 0 || fakes === 0) return [];
  const corners: RocCorner[] = [{ fpr: 0, tpr: 0, threshold: Number.POSITIVE_INFINITY }];
  let realsAbove = 0;
  let fakesAbove = 0;
  for (const group of groups) {
    realsAbove += group.reals;
    fakesAbove += group.fakes;
    corners.push({ fpr: realsAbove / reals, tpr: fakesAbove / fakes, threshold: group.score });
  }
  return corners;
}
