import type { UniformSource } from '../layers/initializers.js';
import { independentUnits } from './independentUnits.js';
import { type Figure, type MeasureOptions, type Measures, measure, measureAuc, type ScoredItem } from './measures.js';
import { type PairedRanking, rankWithinPairs } from './pairedRanking.js';
import { type CueFigures, simpleCues, type VideoProperties } from './simpleCues.js';
import { type Spread, spread } from './spread.js';

/** A video with its label and what the detector said of it. */
export type EvaluatedVideo = {
  id: string;
  /** 0 real, 1 fake. */
  label: 0 | 1;
  method?: string;
  /** A fake and the original it was made from share it. */
  pairGroup?: string;
  /** Who is to be seen. */
  identity?: string;
  /** Where the file comes from. */
  collection?: string;
  properties?: VideoProperties;
  /** Probability of being fake: mean over the evenly placed clips, and of the middle clip; 0.5 where it could not be scored. */
  score: number;
  score1Clip: number;
  /** Means over the clips; null where the video could not be scored. */
  hllRatio: number | null;
  hllEnergy: number | null;
};

export type EvaluationOptions = Omit<MeasureOptions, 'uniform'> & {
  /**
   * Random numbers for a kind of figure, from their beginning at each call: no interval depends on what was drawn for
   * another, and equal groups of videos have equal intervals.
   */
  uniformOf: (name: string) => UniformSource;
};

export type HllStatistics = {
  /** AUC of the ratio alone, higher taken as fake. */
  auc: Figure;
  ratio: { real: Spread; fake: Spread };
  energy: { real: Spread; fake: Spread };
};

export type Evaluated = {
  /** All fakes against all reals: `score`, then `score1Clip`. */
  pooled: { all: Measures; oneClip: Measures };
  /** Each method's fakes against all reals. */
  methods: { method: string; all: Measures; oneClip: Measures; paired: PairedRanking; hll: HllStatistics }[];
  /** Mean of the methods' AUC: methods count alike, however many videos each has. */
  meanMethodAuc: number | null;
  paired: PairedRanking;
  hll: HllStatistics;
  /** What needs no detector. */
  cues: CueFigures[];
};

/** Fakes of a manifest without a method. */
export const UNNAMED_METHOD = '(not named)';
export const methodOf = ({ method }: Pick<EvaluatedVideo, 'method'>): string => method ?? UNNAMED_METHOD;

/** All figures of an evaluation. A pure function of the videos and the options. */
export function evaluateVideos(videos: readonly EvaluatedVideo[], options: EvaluationOptions): Evaluated {
  const { uniformOf, ...rest } = options;
  const drawn = (name: string) => ({ ...rest, uniform: uniformOf(name) });
  const units = independentUnits(videos);
  const unitOf = new Map(videos.map((video, i) => [video, units[i]!]));
  const items = (chosen: readonly EvaluatedVideo[], scoreOf: (video: EvaluatedVideo) => number): ScoredItem[] =>
    chosen.map((video) => ({ label: video.label, score: scoreOf(video), identity: String(unitOf.get(video)) }));
  const ofGroup = (chosen: readonly EvaluatedVideo[]) => ({
    all: measure(
      items(chosen, ({ score }) => score),
      drawn('all clips'),
    ),
    oneClip: measure(
      items(chosen, ({ score1Clip }) => score1Clip),
      drawn('one clip'),
    ),
  });
  // A video that could not be scored says nothing about its pair.
  const paired = (chosen: readonly EvaluatedVideo[]) =>
    rankWithinPairs(
      chosen.filter(({ hllRatio }) => hllRatio !== null),
      drawn('pairs'),
    );
  const hll = (chosen: readonly EvaluatedVideo[]): HllStatistics => {
    const scored = chosen.filter(({ hllRatio }) => hllRatio !== null);
    const spreads = (quantityOf: (video: EvaluatedVideo) => number | null) => ({
      real: spread(scored.filter(({ label }) => label === 0).map((video) => quantityOf(video)!)),
      fake: spread(scored.filter(({ label }) => label === 1).map((video) => quantityOf(video)!)),
    });
    return {
      auc: measureAuc(
        items(scored, ({ hllRatio }) => hllRatio!),
        drawn('hll'),
      ),
      ratio: spreads(({ hllRatio }) => hllRatio),
      energy: spreads(({ hllEnergy }) => hllEnergy),
    };
  };

  const reals = videos.filter(({ label }) => label === 0);
  const fakes = videos.filter(({ label }) => label === 1);
  const methods = [...new Set(fakes.map(methodOf))].sort().map((method) => {
    const chosen = [...reals, ...fakes.filter((fake) => methodOf(fake) === method)];
    return { method, ...ofGroup(chosen), paired: paired(chosen), hll: hll(chosen) };
  });
  const aucs = methods.map(({ all }) => all.auc.value).filter((auc) => auc !== null);
  return {
    pooled: ofGroup(videos),
    methods,
    meanMethodAuc: aucs.length === 0 ? null : aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length,
    paired: paired(videos),
    hll: hll(videos),
    cues: simpleCues(
      videos.map((video, i) => ({ ...video, unit: units[i]! })),
      drawn,
    ),
  };
}
