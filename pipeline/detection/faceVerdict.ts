import {
  bootstrapIntervals,
  type Calibration,
  calibrated,
  type Interval,
  tellsApart,
  type UniformSource,
} from '../../model/index.js';
import type { ClipSegment } from '../../workers/index.js';

/**
 * `likely manipulated`: the whole interval lies at or above the threshold; `no sign found`: all of it below. Everything
 * else is `undecided`, and so is whatever a detector says that told nothing apart on validation.
 */
export type Verdict = 'likely manipulated' | 'no sign found' | 'undecided';

export type JudgedClip = {
  /** The stretches of frames that were looked at, seconds. */
  segments: ClipSegment[];
  /** From the first to the end of the last, seconds. */
  from: number;
  to: number;
  /** Probability of being fake, calibrated where the checkpoint says how. */
  probability: number;
  /** As the network gave it. */
  score: number;
};

export type FaceVerdict = {
  /** 1: the main face of the video. */
  face: number;
  /** Null where the face was seen too briefly for two clips. */
  verdict: Verdict | null;
  /** Mean over the clips; null without any. */
  probability: number | null;
  /** Bootstrap over the clips; null with fewer than two. */
  interval: Omit<Interval, 'resamples'> | null;
  /** Mean of the clips' raw scores, which is `evaluate`'s score for the same clips. */
  score: number | null;
  clips: JudgedClip[];
  /** Side of the square around the face in the video, pixels. */
  facePx: number;
  /** What the reader has to know about this face's number. */
  note?: string;
};

export type JudgingOptions = {
  calibration: Calibration | null;
  /** From which probability on a face is called manipulated, in (0,1). */
  threshold: number;
  /** Bootstrap draws, and share of them inside the interval. */
  resamples: number;
  level: number;
  uniform: UniformSource;
};

/** Turns the scores of one face's clips into a verdict. A pure function of its arguments. */
export function judgeFace(
  face: number,
  facePx: number,
  scored: readonly { segments: ClipSegment[]; score: number }[],
  options: JudgingOptions,
): FaceVerdict {
  const { calibration, threshold, uniform, resamples, level } = options;
  const clips = scored.map(({ segments, score }): JudgedClip => {
    const probability = calibration ? calibrated(score, calibration.temperature) : score;
    return { segments, from: segments[0]!.from, to: segments.at(-1)!.to, probability, score };
  });
  if (clips.length === 0)
    return {
      ...{ face, facePx, clips, verdict: null, probability: null, interval: null, score: null },
      note: 'seen too briefly for a single clip',
    };
  const mean = (figure: (clip: JudgedClip) => number) =>
    clips.reduce((sum, clip) => sum + figure(clip), 0) / clips.length;
  const probability = mean((clip) => clip.probability);
  const score = mean((clip) => clip.score);
  if (clips.length === 1)
    return {
      ...{ face, facePx, clips, verdict: null, probability, interval: null, score },
      note: 'one clip only: no interval, and too little for a verdict',
    };
  const { mean: drawn } = bootstrapIntervals(
    clips.length,
    (draws) => ({ mean: clips.reduce((sum, clip, i) => sum + draws[i]! * clip.probability, 0) / clips.length }),
    { resamples, level, uniform },
  );
  const interval = { low: drawn!.low, high: drawn!.high };
  const tells = calibration === null || tellsApart(calibration);
  return {
    ...{ face, facePx, clips, probability, interval, score },
    verdict: tells ? verdictOf(interval, threshold) : 'undecided',
    ...(tells ? {} : { note: 'on validation this detector did not tell fakes from real clips' }),
  };
}

function verdictOf({ low, high }: Omit<Interval, 'resamples'>, threshold: number): Verdict {
  if (low >= threshold) return 'likely manipulated';
  return high < threshold ? 'no sign found' : 'undecided';
}

/**
 * A video's verdict is that of its most suspicious face. Faces seen too briefly for one of their own do not count, unless
 * there is no other.
 */
export function worstOf(faces: readonly FaceVerdict[]): Verdict {
  const order: readonly Verdict[] = ['likely manipulated', 'undecided', 'no sign found'];
  return order.find((verdict) => faces.some((face) => face.verdict === verdict)) ?? 'undecided';
}
