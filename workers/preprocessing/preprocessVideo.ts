import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodecUnavailableError } from '../codec/codecUnavailableError.js';
import { loadNodeAv } from '../codec/nodeAvLibrary.js';
import { FaceFinder } from '../faces/faceFinder.js';
import { FOREHEAD_POINTS, foreheadPoints } from '../faces/foreheadPoints.js';
import type { ShapePredictor } from '../faces/shapePredictor.js';
import { overlap } from '../faces/tinyFaceDetector.js';
import type { TinyFaceWeights } from '../faces/tinyFaceWeights.js';
import { nativeSection } from '../pool/nativeSection.js';
import { SampleError } from '../synthesis/sampleError.js';
import { UprightPicture } from '../video/uprightPicture.js';
import { VideoError } from '../video/videoError.js';
import { VideoFile } from '../video/videoFile.js';
import type { Square } from './cropSquare.js';
import type { FaceTrack, TrackCut } from './faceTrack.js';
import { DAMAGED, followRun } from './followRun.js';
import { runPlan } from './runPlan.js';
import { StageClock, type StageTimes } from './stageClock.js';
import { cropSide } from './steadySquare.js';

/** Stage of the error of a video that was looked through and shows no face. */
export const FIND_FACES = 'find_faces';

/** Both in shared memory, so that all threads use the same. */
export type FaceModels = { readonly detector: TinyFaceWeights; readonly landmarks: ShapePredictor };

export type PreprocessOptions = {
  /** Runs of contiguous frames that are wanted, and frames of each. */
  readonly runs: number;
  readonly frames: number;
  /** Largest side of the crops, pixels: faces are made smaller to fit, never larger (see `cropSide`). */
  readonly size: number;
  /** Standard deviation of the smoothing of landmarks over time, frames; 0 for none. */
  readonly smooth: number;
  /** Faces whose box has shorter sides are passed over, pixels of the video. */
  readonly leastSide: number;
  /** Every face that stays, not the main one alone. */
  readonly allFaces: boolean;
};

export const PREPROCESS_DEFAULTS: PreprocessOptions = {
  ...{ runs: 4, frames: 16, size: 256, smooth: 1, leastSide: 32, allFaces: false },
};

export type PreprocessTask = {
  readonly source: { readonly id: string };
  readonly path: string;
  readonly options: PreprocessOptions;
  readonly models: FaceModels;
};

/** One face of a video: its runs in order of time. */
export type PreprocessedFace = {
  /** Runs that were found; fewer than wanted where the video does not hold more. */
  runs: number;
  /** Numbers of the frames in the video `[F]`. */
  frames: Int32Array;
  /** When each of them is shown `[F]`, seconds from the video's first frame on. */
  seconds: Float64Array;
  /** (x, y) in pixels of the crop `[F, 81, 2]`. */
  landmarks: Float32Array;
  /** Of each run: what was cut out of the upright pictures, pixels. */
  squares: Square[];
  /** Of each run: the side that the face with its margin takes of that, pixels of the video. */
  margined: number[];
  /** Of each run: the surest that the face detector was of it, 0 to 1. */
  certainties: number[];
};

export type PreprocessedVideo = {
  /** Crops of all faces, one after another: RGB `[F, size, size, 3]` each, `size` as `cropSide` of what was asked for. */
  bytes: Uint8Array;
  /** The main face first. */
  faces: PreprocessedFace[];
  size: number;
  video: { frames: number; rate: number; seconds: number; width: number; height: number; turn: number };
  /** Why places in the video gave no run, and how often. */
  passed: Record<string, number>;
  stages: StageTimes;
};

type Run = TrackCut & { start: number; certainty: number };
/** `alone`: nobody else was in its runs. */
type Person = { runs: Run[]; place: Place; alone: boolean };
type Place = { x: number; y: number; width: number; height: number };

/** A face with a box this much shorter than the largest is no candidate for the main one; among all faces, no bystander. */
const LEAST_SHARE = { main: 0.6, all: 0.25 };
/** Boxes of two runs that share more of their union are one person's: people on camera keep their place. */
const SAME_PERSON = 0.15;
/** Somebody who is alone in the picture may have moved by as many sides of the box, and come closer by this factor. */
const NEAR = { sides: 1.25, scale: 1.6 };
/** Places tried anew behind a cut or a gap, for each place planned. */
const MOST_RETRIES = 2;
/**
 * Stages in which a video fails: the file, its length, and the faces in it. The last says that all of it could be looked
 * at and that there is nobody to be seen for long enough.
 */
const STAGE = { file: 'preprocess', length: 'select_frames', faces: FIND_FACES } as const;

let finder: FaceFinder | undefined;

/**
 * Cuts a video's faces out: runs of contiguous frames, never across a cut, one steady square each, with 68 landmarks and
 * 13 forehead points. Frames are decoded one at a time and only where runs are tried; memory does not grow with the
 * video's length, but for 20 bytes a frame.
 *
 * @throws SampleError with the reason why the video gives no crops; CodecUnavailableError without node-av
 */
export async function preprocessVideo(task: PreprocessTask): Promise<PreprocessedVideo> {
  const { id } = task.source;
  const fail = (reason: string, cause?: unknown, stage: string = STAGE.file): never => {
    throw new SampleError(id, stage, reason, { cause });
  };
  const before = await stat(task.path).catch((error: Error) =>
    fail(`the file cannot be read (${error.message})`, error),
  );
  if (!before.isFile()) fail('expected a file but it is something else');
  if (before.size === 0) fail('the file is empty (0 bytes)');
  const unchanged = async () => {
    const after = await stat(task.path).catch(() => undefined);
    if (after?.size !== before.size || after.mtimeMs !== before.mtimeMs)
      fail(`the file is still being written (${before.size} bytes at first, ${after?.size ?? 0} now)`);
  };
  const av = await nativeSection(loadNodeAv).catch((error: Error) => {
    throw new CodecUnavailableError('node-av', `the package cannot be loaded (${error.message})`, { cause: error });
  });
  finder ??= new FaceFinder(task.models.detector);
  const clock = new StageClock();
  let video: VideoFile | undefined;
  let upright: UprightPicture | undefined;
  try {
    const indexing = clock.start('index');
    video = await VideoFile.open(task.path);
    indexing();
    upright = new UprightPicture(av, video.turn);
    const made = await cutRuns(task, video, upright, finder, clock, (reason, stage) => fail(reason, undefined, stage));
    await unchanged();
    return made;
  } catch (error) {
    await unchanged();
    if (error instanceof VideoError) return fail(error.message, error);
    throw error;
  } finally {
    upright?.free();
    video?.close();
    // The binding's finalizers wait for a turn of the event loop.
    await nextTurn();
  }
}

async function cutRuns(
  { options, models }: PreprocessTask,
  video: VideoFile,
  upright: UprightPicture,
  finder: FaceFinder,
  clock: StageClock,
  fail: (reason: string, stage: string) => never,
): Promise<PreprocessedVideo> {
  const { runs, frames: length, leastSide, allFaces, smooth } = options;
  if (video.frames <= 1) fail('holds a single picture; expected a video', STAGE.length);
  if (video.frames < length) fail(`expected at least ${length} frames but the video has ${video.frames}`, STAGE.length);
  const persons: Person[] = [];
  const taken: number[] = [];
  const passed: Record<string, number> = {};
  const pass = (reason: string) => {
    passed[reason] = (passed[reason] ?? 0) + 1;
  };
  const mainPerson = (): Person | undefined =>
    persons.reduce<Person | undefined>((a, b) => (a && weight(a) >= weight(b) ? a : b), undefined);
  let picture = { width: 0, height: 0 };
  for (const round of runPlan(video.frames, video.keyframes, runs, length)) {
    if ((mainPerson()?.runs.length ?? 0) >= runs) break;
    for (const planned of round) {
      if (taken.length > runs && (mainPerson()?.runs.length ?? 0) >= runs) break;
      let next: number | undefined = planned;
      for (let attempt = 0; next !== undefined && attempt <= MOST_RETRIES; attempt++) {
        const start: number = next;
        next = undefined;
        // A frame at least between runs: by frame numbers alone two that touch would be one, with a jump of the square.
        if (start + length > video.frames || taken.some((other) => Math.abs(other - start) <= length)) break;
        const followed = followRun(start, {
          ...{ video, upright, finder, model: models.landmarks, clock, length, size: options.size, leastSide },
          leastShare: allFaces ? LEAST_SHARE.all : LEAST_SHARE.main,
        });
        await nextTurn();
        if (!followed.tracks) {
          pass(followed.reason);
          next = followed.retryAt;
          continue;
        }
        if (taken.length > 0 && cropSide(options.size, picture) !== cropSide(options.size, followed.picture)) {
          pass('the picture changes its size');
          continue;
        }
        ({ picture } = followed);
        const cut = clock.time('crop', () =>
          followed.tracks.map((track) => ({ track, run: cutTrack(track, start, smooth) })),
        );
        for (const { track, run } of cut)
          if (typeof run === 'string') pass(run);
          else assign(persons, run, track, cut.length === 1);
        if (cut.some(({ run }) => typeof run !== 'string')) taken.push(start);
      }
    }
  }
  const main = mainPerson();
  if (!main)
    return fail(noRuns(passed), Object.keys(passed).every((reason) => reason === DAMAGED) ? STAGE.file : STAGE.faces);
  const kept = allFaces
    ? [main, ...persons.filter((person) => person !== main).sort((a, b) => weight(b) - weight(a))]
    : [main];
  const faces = kept.map(({ runs: found }) => spreadOut(found, runs).sort((a, b) => a.start - b.start));
  const size = cropSide(options.size, picture);
  const bytes = new Uint8Array(faces.flat().length * length * size * size * 3);
  let at = 0;
  for (const { crops } of faces.flat()) {
    bytes.set(crops, at);
    at += crops.length;
  }
  return {
    bytes,
    faces: faces.map((found) => describe(found, length, models.landmarks.points, (frame) => video.secondsAt(frame))),
    size,
    video: { frames: video.frames, rate: video.rate, seconds: video.seconds, ...picture, turn: video.turn },
    passed,
    stages: clock.times,
  };
}

function cutTrack(track: FaceTrack, start: number, smooth: number): Run | string {
  const cut = track.cut(smooth);
  return typeof cut === 'string' ? cut : { start, ...cut, certainty: track.score };
}

/** How much of the video is this person's: a face seen twice as large counts twice. */
const weight = ({ runs }: Person): number => runs.reduce((sum, { margined }) => sum + margined, 0);

function assign(persons: Person[], run: Run, track: FaceTrack, alone: boolean): void {
  const place = track.place;
  const known = persons
    .filter(({ runs }) => !runs.some(({ start }) => start === run.start))
    .filter(
      (person) => overlap(person.place, place) >= SAME_PERSON || (alone && person.alone && isNear(person.place, place)),
    )
    .sort((a, b) => overlap(b.place, place) - overlap(a.place, place))[0];
  if (known) {
    known.runs.push(run);
    known.place = place;
    known.alone &&= alone;
  } else persons.push({ runs: [run], place, alone });
}

function isNear(a: Place, b: Place): boolean {
  const larger = Math.max(a.width, b.width);
  return Math.hypot(a.x - b.x, a.y - b.y) <= NEAR.sides * larger && larger <= NEAR.scale * Math.min(a.width, b.width);
}

/** At most `count` of the runs, spread over time. */
function spreadOut(runs: readonly Run[], count: number): Run[] {
  const sorted = [...runs].sort((a, b) => a.start - b.start);
  if (sorted.length <= count) return sorted;
  return Array.from({ length: count }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / count)]!);
}

function describe(
  runs: readonly Run[],
  length: number,
  points: number,
  secondsAt: (frame: number) => number,
): PreprocessedFace {
  const all = points + FOREHEAD_POINTS;
  const landmarks = new Float32Array(runs.length * length * all * 2);
  const frames = new Int32Array(runs.length * length);
  runs.forEach(({ start, landmarks: own }, run) => {
    for (let t = 0; t < length; t++) {
      const face = own.subarray(t * points * 2, (t + 1) * points * 2);
      const at = (run * length + t) * all * 2;
      frames[run * length + t] = start + t;
      landmarks.set(face, at);
      landmarks.set(foreheadPoints(face), at + points * 2);
    }
  });
  const seconds = Float64Array.from(frames, secondsAt);
  return {
    runs: runs.length,
    frames,
    seconds,
    landmarks,
    squares: runs.map(({ square }) => square),
    margined: runs.map(({ margined }) => margined),
    certainties: runs.map(({ certainty }) => certainty),
  };
}

function noRuns(passed: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(passed).sort((a, b) => b[1] - a[1]);
  const tried = reasons.reduce((sum, [, count]) => sum + count, 0);
  return `no run of frames with a face at ${tried} places tried: ${reasons.map(([reason, count]) => `${reason} (${count})`).join(', ')}`;
}
