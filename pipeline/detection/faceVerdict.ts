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
 * else is `undecided`, and so is whatever a detector says that is not calibrated or told nothing apart on validation.
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
  /** Null where the face was seen too briefly for two clips, or may be none. */
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
  /** How sure the face detector was that it is a face, 0 to 1. */
  certainty: number;
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

/**
 * Median certainty of the face detector below which no verdict is given. An emblem or a pattern that looks like a face to
 * it for a while is unlike anything the network knows, and gets any number. Measured on 125 clips of one face each: the
 * faces reached 0.74 to 1, what was taken for a further one (a flag's emblem) 0.48 to 0.52.
 */
const SURE_FACE = 0.62;

/** With fewer clips the bootstrap's interval says little (Davison and Hinkley, Bootstrap Methods, 1997, §2.6). */
const ENOUGH_CLIPS = 4;

/** Turns the scores of one face's clips into a verdict. A pure function of its arguments. */
export function judgeFace(
  who: Pick<FaceVerdict, 'face' | 'facePx' | 'certainty'>,
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
      ...{ ...who, clips, verdict: null, probability: null, interval: null, score: null },
      note: 'seen too briefly for a single clip',
    };
  const mean = (figure: (clip: JudgedClip) => number) =>
    clips.reduce((sum, clip) => sum + figure(clip), 0) / clips.length;
  const probability = mean((clip) => clip.probability);
  const score = mean((clip) => clip.score);
  if (clips.length === 1)
    return {
      ...{ ...who, clips, verdict: null, probability, interval: null, score },
      note: 'one clip only: no interval, and too little for a verdict',
    };
  const { mean: drawn } = bootstrapIntervals(
    clips.length,
    (draws) => ({ mean: clips.reduce((sum, clip, i) => sum + draws[i]! * clip.probability, 0) / clips.length }),
    { resamples, level, uniform },
  );
  const interval = { low: drawn!.low, high: drawn!.high };
  if (who.certainty < SURE_FACE)
    return {
      ...{ ...who, clips, verdict: null, probability, interval, score },
      note: 'perhaps no face at all, so no verdict: look at the pictures',
    };
  const doubt = doubtOf(calibration);
  const few = clips.length < ENOUGH_CLIPS ? `${clips.length} clips only: the interval is too narrow` : undefined;
  const note = doubt ?? few;
  return {
    ...{ ...who, clips, probability, interval, score },
    verdict: doubt === undefined ? verdictOf(interval, threshold) : 'undecided',
    ...(note === undefined ? {} : { note }),
  };
}

/** Why nothing that the detector says is evidence. */
function doubtOf(calibration: Calibration | null): string | undefined {
  if (calibration === null) return 'this checkpoint is not calibrated: its raw scores are no evidence';
  return tellsApart(calibration) ? undefined : 'on validation this detector did not tell fakes from real clips';
}

function verdictOf({ low, high }: Omit<Interval, 'resamples'>, threshold: number): Verdict {
  if (low >= threshold) return 'likely manipulated';
  return high < threshold ? 'no sign found' : 'undecided';
}

const SUSPICION: readonly (Verdict | null)[] = ['likely manipulated', 'undecided', 'no sign found', null];

/**
 * The face that a video is judged by: the most suspicious one that got a verdict, or, where none did, the one that was
 * looked at longest. Undefined where no face has a clip.
 */
export function decidingFace(faces: readonly FaceVerdict[]): FaceVerdict | undefined {
  const judged = faces.filter(({ clips }) => clips.length > 0);
  return [...judged].sort((a, b) => {
    const kind = SUSPICION.indexOf(a.verdict) - SUSPICION.indexOf(b.verdict);
    if (kind !== 0) return kind;
    return a.verdict === null ? b.clips.length - a.clips.length : b.probability! - a.probability!;
  })[0];
}

/** A video's verdict is that of its deciding face; undecided where no face got one. */
export const verdictOn = (faces: readonly FaceVerdict[]): Verdict => decidingFace(faces)?.verdict ?? 'undecided';
