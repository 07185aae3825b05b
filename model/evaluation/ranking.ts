/**
 * Measures of how well scores rank fakes (label 1) above reals (label 0). None needs a threshold.
 * All throw a RangeError when scores are not finite, and give NaN when one of the classes is missing.
 */

type Ranked = {
  /** Distinct scores, highest first, with the reals and fakes that have each of them. */
  groups: { score: number; reals: number; fakes: number }[];
  reals: number;
  fakes: number;
};

function ranked(labels: ArrayLike<number>, scores: ArrayLike<number>): Ranked {
  if (labels.length !== scores.length) {
    throw new RangeError(`expected as many scores as labels, received ${scores.length} and ${labels.length}`);
  }
  const order = Array.from(labels, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const groups: Ranked['groups'] = [];
  let reals = 0;
  let fakes = 0;
  for (const i of order) {
    const score = scores[i]!;
    if (!Number.isFinite(score)) throw new RangeError(`expected finite scores, received ${score} at ${i}`);
    if (groups.at(-1)?.score !== score) groups.push({ score, reals: 0, fakes: 0 });
    const group = groups.at(-1)!;
    if (labels[i] === 1) {
      group.fakes++;
      fakes++;
    } else if (labels[i] === 0) {
      group.reals++;
      reals++;
    } else throw new RangeError(`expected labels 0 and 1, received ${labels[i]} at ${i}`);
  }
  return { groups, reals, fakes };
}

/**
 * Area under the ROC curve: the share of (real, fake) pairs that are ranked rightly, a tie counting half
 * (Mann and Whitney's U with mid-ranks).
 */
export function rocAuc(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { groups, reals, fakes } = ranked(labels, scores);
  let realsBelow = reals;
  let right = 0;
  for (const group of groups) {
    realsBelow -= group.reals;
    right += group.fakes * (realsBelow + group.reals / 2);
  }
  return right / (reals * fakes);
}

/** Average precision: Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the distinct thresholds, without interpolation. */
export function averagePrecision(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { groups, reals, fakes } = ranked(labels, scores);
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

/**
 * Equal error rate: where false-positive and false-negative rate meet on the ROC curve, straight lines drawn between
 * its corners.
 */
export function equalErrorRate(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { groups, reals, fakes } = ranked(labels, scores);
  if (reals === 0 || fakes === 0) return Number.NaN;
  let fpr = 0;
  let fnr = 1;
  for (const group of groups) {
    const nextFpr = fpr + group.reals / reals;
    const nextFnr = fnr - group.fakes / fakes;
    // fpr − fnr rises from −1 to 1, so the first corner at or past 0 ends the segment with the crossing.
    if (nextFpr >= nextFnr) {
      const share = (fnr - fpr) / (fnr - fpr + nextFpr - nextFnr);
      return fpr + share * (nextFpr - fpr);
    }
    [fpr, fnr] = [nextFpr, nextFnr];
  }
  return fpr;
}
