import { dlibBox, type FaceFinder } from '../faces/faceFinder.js';
import type { FaceBox, RgbPicture } from '../faces/predictShape.js';
import type { ShapePredictor } from '../faces/shapePredictor.js';
import type { Detection } from '../faces/tinyFaceDetector.js';
import { coarseBrightness, sceneCut } from '../video/sceneCut.js';
import type { UprightPicture } from '../video/uprightPicture.js';
import type { VideoFile } from '../video/videoFile.js';
import { FaceTrack } from './faceTrack.js';
import type { StageClock } from './stageClock.js';

/**
 * Scores of the detector, 0 to 1: what a face needs to be followed at all, to be seen again where it is followed to, and
 * once in a run. A face turned away for a moment loses its score and not its landmarks.
 */
const SCORE = { begin: 0.3, again: 0.15, once: 0.45 };
/** Faces followed at once: those with the largest boxes. */
const MOST_FACES = 8;

/** The reason that says nothing about faces. */
export const DAMAGED = 'frames are missing or damaged';

export type FollowOptions = {
  video: VideoFile;
  upright: UprightPicture;
  finder: FaceFinder;
  model: ShapePredictor;
  clock: StageClock;
  /** Frames of a run. */
  length: number;
  /** Side of the crops, pixels. */
  size: number;
  /** Faces with smaller boxes are passed over, pixels. */
  leastSide: number;
  /** Faces with boxes smaller than this share of the largest one's are passed over. */
  leastShare: number;
};

/** Faces that could be followed from `from` on through a whole run; or why there are none, and where to try again. */
export type FollowedRun =
  | { tracks: FaceTrack[]; picture: { width: number; height: number } }
  | { tracks?: undefined; reason: string; retryAt?: number };

export function followRun(from: number, options: FollowOptions): FollowedRun {
  const { video, upright, clock, length } = options;
  const grids: Float32Array[] = [];
  let tracks: FaceTrack[] = [];
  let shape = { width: 0, height: 0 };
  const frames = video.decode(from, from + length)[Symbol.iterator]();
  try {
    for (let t = 0; t < length; t++) {
      const step = clock.time('decode', () => frames.next());
      if (step.done || step.value.number !== from + t)
        return {
          reason: DAMAGED,
          ...(step.done ? {} : { retryAt: step.value.number }),
        };
      const picture = clock.time('convert', () => upright.of(step.value.frame));
      grids.push(coarseBrightness(picture));
      if (t > 0 && (picture.width !== shape.width || picture.height !== shape.height))
        return { reason: 'the picture changes its size', retryAt: from + t };
      shape = { width: picture.width, height: picture.height };
      if (t === 0) {
        tracks = begin(picture, options);
        if (tracks.length === 0) return { reason: 'no face' };
      } else
        clock.time('landmarks', () => {
          for (const track of tracks) track.follow(picture);
        });
      if (t > 0 && (t === length >> 1 || t === length - 1)) {
        const seen = detect(picture, SCORE.again, options);
        for (const track of tracks) track.confirm(seen);
      }
      if (tracks.every(({ lost }) => lost !== undefined)) {
        const cut = sceneCut(grids);
        return cut > 0
          ? { reason: 'the scene is cut', retryAt: from + cut }
          : { reason: `the face is lost: ${tracks[0]!.lost}`, retryAt: from + t };
      }
    }
  } finally {
    frames.return?.(undefined);
  }
  const cut = sceneCut(grids);
  if (cut > 0) return { reason: 'the scene is cut', retryAt: from + cut };
  const whole = withoutTwins(tracks.filter(({ lost, score }) => lost === undefined && score >= SCORE.once));
  return whole.length > 0 ? { tracks: whole, picture: shape } : { reason: 'no face that the detector is sure of' };
}

/** One face that was detected twice, at two sizes: the track that the detector is surer of stays. */
export function withoutTwins<Track extends Pick<FaceTrack, 'place' | 'score'>>(tracks: readonly Track[]): Track[] {
  const bySureness = [...tracks].sort((a, b) => b.score - a.score);
  const isTwin = ({ place: a }: Track, { place: b }: Track) =>
    Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) < Math.max(a.width, b.width) / 2;
  const kept: Track[] = [];
  for (const track of bySureness) if (!kept.some((other) => isTwin(track, other))) kept.push(track);
  return tracks.filter((track) => kept.includes(track));
}

function detect(
  picture: RgbPicture,
  least: number,
  { finder, clock }: FollowOptions,
): (Detection & { box: FaceBox })[] {
  return clock.time('detect', () => finder.find(picture, least).map((one) => ({ ...one, box: dlibBox(one) })));
}

function begin(picture: RgbPicture, options: FollowOptions): FaceTrack[] {
  const { model, clock, size, leastSide, leastShare } = options;
  const found = detect(picture, SCORE.begin, options)
    .filter(({ box }) => box.right - box.left >= leastSide)
    .sort((a, b) => b.height - a.height);
  const largest = found.find(({ score }) => score >= SCORE.once) ?? found[0];
  return clock.time('landmarks', () =>
    found
      .filter(({ height }) => height >= leastShare * largest!.height)
      .slice(0, MOST_FACES)
      .map((one) => FaceTrack.begin(model, picture, one, one.box, size)),
  );
}
