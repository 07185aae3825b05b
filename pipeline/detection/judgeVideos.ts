import { defaultIfEmpty, lastValueFrom } from 'rxjs';
import { consume, flowCredits, orderedMap, pull, stopOn } from '../../operators/index.js';
import { FIND_FACES, keyedGenerator, type VideoClips, type VideoClipsTask } from '../../workers/index.js';
import type { ScoreActorClient } from '../evaluation/scoreActorClient.js';
import type { ListedVideo } from '../preprocessing/videoList.js';
import { type AttemptedClip, attemptClip } from '../training/attemptClip.js';
import type { SampleFailure } from '../training/fillPosition.js';
import { type FaceVerdict, judgeFace, verdictOn } from './faceVerdict.js';
import type { Judge, VideoVerdict } from './videoVerdict.js';

/** A video's clips as the network saw them, for pictures: those of all faces, RGB `[n, T, H, W, 3]`. */
export type JudgedPixels = Pick<VideoClips, 'bytes' | 'shape'>;

export type JudgeVideosOptions = {
  judge: Judge;
  taskOf: (video: ListedVideo) => VideoClipsTask;
  cut: (task: VideoClipsTask, signal: AbortSignal) => Promise<VideoClips>;
  /** Videos that are looked through at once. */
  threads: number;
  /** Most clips in the network at once. */
  batch: number;
  actor: Pick<ScoreActorClient, 'score'>;
  signal: AbortSignal;
  /** Told of each video in order; pixels are null where none was judged. The next one waits for it. */
  onVerdict: (verdict: VideoVerdict, video: ListedVideo, pixels: JudgedPixels | null) => void | Promise<void>;
};

type Cut = { video: ListedVideo } & AttemptedClip<VideoClips>;

/**
 * Finds faces, cuts clips, scores and judges, in order, a bounded number of videos in memory. A video that cannot be used
 * gets a verdict that says why, and the others go on; fewer than all are judged when the signal aborts.
 */
export async function judgeVideos(videos: readonly ListedVideo[], options: JudgeVideosOptions): Promise<void> {
  const { taskOf, cut, threads, signal, onVerdict, judge } = options;
  const credits = flowCredits({ concurrency: threads, queued: 1 });
  const flow = pull(videos, credits).pipe(
    orderedMap(
      async (video: ListedVideo, _, abort): Promise<Cut> => ({
        video,
        ...(await attemptClip(video.id, (aborted) => cut(taskOf(video), aborted), abort)),
      }),
      { concurrency: threads },
    ),
    consume(
      async ({ video, made, failure }: Cut) => {
        if (!made || made.bytes.length === 0) return onVerdict(unjudged(video, made, failure, judge), video, null);
        const pixels = { bytes: made.bytes, shape: made.shape };
        return onVerdict(await judged(video, made, options), video, pixels);
      },
      { credits },
    ),
    stopOn(signal),
    defaultIfEmpty(undefined),
  );
  await lastValueFrom(flow);
}

async function judged(
  video: ListedVideo,
  { bytes, faces, video: properties, passed }: VideoClips,
  { actor, batch, judge }: JudgeVideosOptions,
): Promise<VideoVerdict> {
  const count = faces.reduce((sum, { clips }) => sum + clips.length, 0);
  // A copy is moved: the pictures are drawn from the original once the scores are known.
  const scores = await actor.score({ clips: bytes.slice(), count, batch });
  const { threshold, bootstrap, checkpoint } = judge;
  const verdicts = faces.map(({ clips, side, certainty }, at): FaceVerdict => {
    const scored = clips.map(({ segments }) => ({ segments, score: scores.shift()!.probability }));
    const { uniform } = keyedGenerator(bootstrap.seed, 'detect', at);
    const { resamples, level } = bootstrap;
    const options = { calibration: checkpoint.calibration, threshold, resamples, level, uniform };
    return judgeFace({ face: at + 1, facePx: side, certainty }, scored, options);
  });
  return {
    ...{ format: 'stf-mamba-verdict', version: 1, file: video.path, status: 'judged' },
    verdict: verdictOn(verdicts),
    faces: verdicts,
    ...{ video: properties, passed: listOf(passed), judge },
  };
}

function unjudged(
  { path }: ListedVideo,
  made: VideoClips | undefined,
  failure: SampleFailure | undefined,
  judge: Judge,
): VideoVerdict {
  const { segments, framesPerSegment } = judge.clips;
  const most = Math.max(0, ...(made?.faces.map(({ runs }) => runs) ?? []));
  const reason =
    failure?.reason ??
    `too short for one clip: this detector's clips take ${segments} runs of ${framesPerSegment} frames, and the face could be followed through ${most}`;
  return {
    ...{ format: 'stf-mamba-verdict', version: 1, file: path },
    status: failure?.stage === FIND_FACES ? 'no face' : 'failed',
    ...{ verdict: null, reason, faces: [], video: made?.video ?? null, passed: listOf(made?.passed ?? {}), judge },
  };
}

const listOf = (passed: Readonly<Record<string, number>>) =>
  Object.entries(passed).map(([reason, times]) => ({ reason, times }));
