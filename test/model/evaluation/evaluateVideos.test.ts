import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type EvaluatedVideo, evaluateVideos } from '../../../model/evaluation/evaluateVideos.js';
import type { Measures } from '../../../model/evaluation/measures.js';
import { rankScores } from '../../../model/evaluation/rankedScores.js';
import { rocCorners } from '../../../model/evaluation/ranking.js';
import { keyedGenerator } from '../../../workers/index.js';

type Expected = Record<'auc' | 'ap' | 'eer' | 'accuracy' | 'precision' | 'recall' | 'f1' | 'hll_auc', number> & {
  confusion: Measures['confusion'];
  auc_interval: [number, number];
  pairs: { pairs: number; above: number; ties: number; share: number };
  real: { count: number; mean: number; deviation: number; quartiles: number[] };
  fake: { count: number; mean: number; deviation: number; quartiles: number[] };
};
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/model/evaluation.json', import.meta.url), 'utf8'),
) as {
  videos: Omit<EvaluatedVideo, 'score1Clip'>[];
  expected: Record<'a' | 'b' | 'all', Expected>;
  roc: { fpr: number[]; tpr: number[]; thresholds: number[] };
};
/** The one clip says the opposite, so that the two are not mixed up unnoticed. */
const videos: EvaluatedVideo[] = reference.videos.map((video) => ({ ...video, score1Clip: 1 - video.score }));
const options = {
  ...{ threshold: 0.5, resamples: 2000, level: 0.95 },
  uniformOf: (name: string) => keyedGenerator(1, name).uniform,
};
const evaluated = evaluateVideos(videos, options);

describe('evaluateVideos', () => {
  const groups = [
    ...evaluated.methods.map((group) => [group.method as 'a' | 'b', group] as const),
    ['all', { ...evaluated.pooled, paired: evaluated.paired, hll: evaluated.hll }] as const,
  ];

  it.each(groups)('agrees with scikit-learn and NumPy on method %s', (method, { all, oneClip, paired, hll }) => {
    const expected = reference.expected[method];
    for (const name of ['auc', 'ap', 'eer', 'accuracy', 'precision', 'recall', 'f1'] as const)
      expect(all[name].value, name).toBeCloseTo(expected[name], 10);
    expect(all.confusion).toEqual(expected.confusion);
    expect(oneClip.auc.value).toBeCloseTo(1 - expected.auc, 10);
    expect(paired).toMatchObject({ ...expected.pairs, share: { value: expected.pairs.share } });
    expect(hll.auc.value).toBeCloseTo(expected.hll_auc, 10);
    for (const side of ['real', 'fake'] as const) {
      expect(hll.ratio[side].count).toBe(expected[side].count);
      expect(hll.ratio[side].mean).toBeCloseTo(expected[side].mean, 12);
      expect(hll.ratio[side].deviation).toBeCloseTo(expected[side].deviation, 12);
      hll.ratio[side].quartiles!.forEach((edge, i) => {
        expect(edge).toBeCloseTo(expected[side].quartiles[i]!, 12);
      });
    }
  });

  it.each(groups)("draws people as NumPy's cluster bootstrap does, method %s", (method, { all }) => {
    const [low, high] = reference.expected[method].auc_interval;
    // With 2000 and 20000 draws the ends of the same interval differ by a few thousandths.
    expect(Math.abs(all.auc.interval!.low - low)).toBeLessThan(0.012);
    expect(Math.abs(all.auc.interval!.high - high)).toBeLessThan(0.012);
    expect(all.identities).toBe(40);
  });

  it("has scikit-learn's ROC corners", () => {
    const corners = rocCorners(
      rankScores(
        videos.map(({ label }) => label),
        videos.map(({ score }) => score),
      ),
    );
    expect(corners.map(({ threshold }) => threshold)).toEqual([Number.POSITIVE_INFINITY, ...reference.roc.thresholds]);
    corners.forEach(({ fpr, tpr }, i) => {
      expect(fpr).toBeCloseTo(reference.roc.fpr[i]!, 12);
      expect(tpr).toBeCloseTo(reference.roc.tpr[i]!, 12);
    });
  });

  it('is a function of the videos and the seed alone; a method is not moved by others beside it', () => {
    expect(evaluateVideos(videos, options)).toEqual(evaluated);
    const alone = evaluateVideos(
      videos.filter(({ method }) => method !== 'b'),
      options,
    );
    expect(alone.methods).toEqual([evaluated.methods[0]]);
    expect(alone.pooled.all).toEqual(alone.methods[0]!.all);
    const other = evaluateVideos(videos, { ...options, uniformOf: (name) => keyedGenerator(2, name).uniform });
    expect(other.pooled.all.auc.value).toBe(evaluated.pooled.all.auc.value);
    expect(other.pooled.all.auc.interval).not.toEqual(evaluated.pooled.all.auc.interval);
  });

  it('takes people and not videos for samples: copies of every video make no interval narrower', () => {
    const copies = videos.flatMap((video) => [video, { ...video, id: `${video.id} again` }]);
    const twice = evaluateVideos(copies, options).pooled.all.auc;
    expect(twice).toEqual(evaluated.pooled.all.auc);
    const width = (list: readonly EvaluatedVideo[]) => {
      const { low, high } = evaluateVideos(list, options).pooled.all.auc.interval!;
      return high - low;
    };
    const loose = (list: readonly EvaluatedVideo[]) => list.map(({ pairGroup, ...video }) => video);
    // Taken for new people, the copies would narrow it by √2.
    expect(width(loose(copies))).toBeLessThan(0.85 * width(loose(videos)));
  });

  it('counts unscored videos as 0.5 and leaves them out of pairs and HLL', () => {
    const broken = videos.map((video) =>
      video.id === 'p0' ? { ...video, score: 0.5, score1Clip: 0.5, hllRatio: null, hllEnergy: null } : video,
    );
    const { pooled, paired, hll } = evaluateVideos(broken, options);
    expect(pooled.all.reals).toBe(40);
    expect(pooled.all.confusion.falsePositives + pooled.all.confusion.trueNegatives).toBe(40);
    expect(paired.groups).toBe(evaluated.paired.groups - 1);
    expect(hll.ratio.real.count).toBe(39);
  });

  it('has no figures for a class that is missing', () => {
    const { pooled, methods, meanMethodAuc, paired } = evaluateVideos(
      videos.filter(({ label }) => label === 0),
      options,
    );
    expect(pooled.all.auc).toEqual({ value: null, interval: null });
    expect(methods).toEqual([]);
    expect(meanMethodAuc).toBeNull();
    expect(paired).toMatchObject({ pairs: 0, share: { value: null, interval: null } });
  });
});
