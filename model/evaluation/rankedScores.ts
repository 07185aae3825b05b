/** Scores in order, with how many reals (label 0) and fakes (label 1) have each of them. */
export type RankedScores = {
  /** Distinct scores, highest first. */
  groups: { score: number; reals: number; fakes: number }[];
  reals: number;
  fakes: number;
};

/**
 * Sorts scores once, so that they can be counted many times with other weights, as a bootstrap does.
 * @throws RangeError when a score is not finite, a label is not 0 or 1, or their numbers differ
 */
export class ScoreOrder {
  readonly #order: number[];

  constructor(
    private readonly labels: ArrayLike<number>,
    private readonly scores: ArrayLike<number>,
  ) {
    if (labels.length !== scores.length)
      throw new RangeError(`expected as many scores as labels, received ${scores.length} and ${labels.length}`);
    for (let i = 0; i < labels.length; i++) {
      if (!Number.isFinite(scores[i])) throw new RangeError(`expected finite scores, received ${scores[i]} at ${i}`);
      if (labels[i] !== 0 && labels[i] !== 1)
        throw new RangeError(`expected labels 0 and 1, received ${labels[i]} at ${i}`);
    }
    this.#order = Array.from(labels, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  }

  /** Counts item i `weightOf(i)` times; once unless given. */
  count(weightOf: (index: number) => number = () => 1): RankedScores {
    const groups: RankedScores['groups'] = [];
    let reals = 0;
    let fakes = 0;
    for (const i of this.#order) {
      const weight = weightOf(i);
      if (weight === 0) continue;
      const score = this.scores[i]!;
      if (groups.at(-1)?.score !== score) groups.push({ score, reals: 0, fakes: 0 });
      const group = groups.at(-1)!;
      if (this.labels[i] === 1) {
        group.fakes += weight;
        fakes += weight;
      } else {
        group.reals += weight;
        reals += weight;
      }
    }
    return { groups, reals, fakes };
  }
}

/** Ranks scores, each counted once. */
export const rankScores = (labels: ArrayLike<number>, scores: ArrayLike<number>): RankedScores =>
  new ScoreOrder(labels, scores).count();
