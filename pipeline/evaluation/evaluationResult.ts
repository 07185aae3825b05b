import {
  type DecisionAdvice,
  decisionAdvice,
  type EngineInfo,
  type Evaluated,
  evaluateVideos,
  methodOf,
  type RocCorner,
  rankScores,
  rocCorners,
  UNNAMED_METHOD,
} from '../../model/index.js';
import { keyedGenerator } from '../../workers/index.js';
import { snakeCaseJson } from '../snakeCaseJson.js';
import type { SampleFailure } from '../training/fillPosition.js';
import type { ScoredVideo } from './scoreVideos.js';

/** What scores this or more is called fake in accuracy, precision, recall and F1. */
export const THRESHOLD = 0.5;
/** Draws behind an interval: its ends then move by some thousandths from seed to seed. */
export const RESAMPLES = 2000;
export const LEVEL = 0.95;

/** What was evaluated, with what. */
export type EvaluationSubject = {
  checkpoint: { file: string; phase?: string; step?: number };
  engine: EngineInfo;
  data: { root: string; split: string; source: string; methods: readonly string[] | null };
  clips: { perVideo: number; segments: number; framesPerSegment: number; imgSize: number };
};

/** All that evaluation.json and evaluation.html tell. */
export type EvaluationResult = EvaluationSubject & {
  format: 'stf-mamba-evaluation';
  version: 1;
  videos: { total: number; real: number; fake: number; identities: number; failed: number };
  threshold: number;
  bootstrap: { resamples: number; level: number; seed: number; unit: string };
  failed: SampleFailure[];
  advice: (DecisionAdvice & { basis: string }) | null;
  roc: { pooled: RocCorner[]; methods: { method: string; corners: RocCorner[] }[] };
} & Evaluated;

/** Turns scores into figures. A pure function of its arguments: the same seed gives the same intervals. */
export function evaluationResult(
  subject: EvaluationSubject,
  videos: readonly ScoredVideo[],
  seed: number,
): EvaluationResult {
  const evaluated = evaluateVideos(videos, {
    ...{ threshold: THRESHOLD, resamples: RESAMPLES, level: LEVEL },
    uniformOf: (name) => keyedGenerator(seed, 'evaluation', name).uniform,
  });
  const corners = (chosen: readonly ScoredVideo[]) =>
    rocCorners(
      rankScores(
        chosen.map(({ label }) => label),
        chosen.map(({ score }) => score),
      ),
    );
  const { auc } = evaluated.pooled.all;
  const count = (label: 0 | 1) => videos.filter((video) => video.label === label).length;
  const failed = videos.flatMap(({ failure }) => (failure ? [failure] : []));
  return {
    format: 'stf-mamba-evaluation',
    version: 1,
    ...subject,
    videos: {
      total: videos.length,
      real: count(0),
      fake: count(1),
      identities: evaluated.pooled.all.identities,
      failed: failed.length,
    },
    threshold: THRESHOLD,
    bootstrap: { resamples: RESAMPLES, level: LEVEL, seed, unit: 'identity and pair_group, else id' },
    ...evaluated,
    failed,
    advice:
      auc.value === null
        ? null
        : {
            basis:
              "a rule of thumb of the method's plan, written for FaceForensics++ before any result; no measurement stands behind its marks",
            ...decisionAdvice(auc.value, auc.interval, subject.checkpoint.phase),
          },
    roc: {
      pooled: corners(videos),
      methods: evaluated.methods.map(({ method }) => ({
        method,
        corners: corners(videos.filter((video) => video.label === 0 || methodOf(video) === method)),
      })),
    },
  };
}

/** The methods to tell apart: none where no fake has a method, since all of them then are one group. */
export const namedMethods = ({ methods }: EvaluationResult): EvaluationResult['methods'] =>
  methods.length === 1 && methods[0]!.method === UNNAMED_METHOD ? [] : methods;

/** As the file evaluation.json; figures without a value are null. */
export const evaluationJson = (result: EvaluationResult): string => snakeCaseJson(result);
