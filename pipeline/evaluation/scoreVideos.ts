import { lastValueFrom, toArray } from 'rxjs';
import type { EvaluatedVideo, Score } from '../../model/index.js';
import { batch, consume, flowCredits, orderedMap, pull, stopOn } from '../../operators/index.js';
import type { CutClips, CuttingTask } from '../../workers/index.js';
import type { SplitEntry } from '../data/splits.js';
import { type AttemptedClip, attemptClip } from '../training/attemptClip.js';
import type { SampleFailure } from '../training/fillPosition.js';
import type { ScoreActorClient } from './scoreActorClient.js';

/** A row of the evaluation. */
export type ScoredVideo = EvaluatedVideo & {
  /** Distinct clips behind the score: fewer than asked for where a video is too short to hold them apart. */
  clips: number;
  failure?: SampleFailure;
};

/** Neither real nor fake: what a video counts as that cannot be scored, as in the self-blended-images evaluation. */
export const UNSCORED = 0.5;

export type ScoreVideosOptions = {
  taskOf: (entry: SplitEntry) => CuttingTask;
  cut: (task: CuttingTask, signal: AbortSignal) => Promise<CutClips>;
  /** Cutting tasks that run at once. */
  threads: number;
  /** Most clips in the network at once. */
  batch: number;
  actor: Pick<ScoreActorClient, 'score'>;
  signal: AbortSignal;
  onVideo: (video: ScoredVideo) => void;
};

type Cut = { entry: SplitEntry } & AttemptedClip<CutClips>;

/**
 * Cuts and scores videos, in order, a bounded number of them in memory: what is cut ahead waits for the network.
 * A video that cannot be used is scored `UNSCORED` and says why.
 *
 * @returns a row per video; fewer when the signal aborts
 */
export async function scoreVideos(entries: readonly SplitEntry[], options: ScoreVideosOptions): Promise<ScoredVideo[]> {
  const { taskOf, cut, threads, signal, onVideo } = options;
  // One more than asked for: the middle clip.
  const clipsPerVideo = entries.length === 0 ? 1 : taskOf(entries[0]!).options.clips + 1;
  const videosPerBatch = Math.max(1, Math.floor(options.batch / clipsPerVideo));
  const credits = flowCredits({ concurrency: threads, batchSize: videosPerBatch, queued: 1 });
  const flow = pull(entries, credits).pipe(
    orderedMap(
      async (entry: SplitEntry, _, abort): Promise<Cut> => ({
        entry,
        ...(await attemptClip(entry.id, (aborted) => cut(taskOf(entry), aborted), abort)),
      }),
      { concurrency: threads },
    ),
    batch(videosPerBatch),
    consume((cuts: Cut[]) => scoreCuts(cuts, options), { credits, cost: (cuts) => cuts.length }),
    stopOn(signal),
    toArray(),
  );
  return (await lastValueFrom(flow)).flat();

  async function scoreCuts(cuts: Cut[], { actor, batch: most }: ScoreVideosOptions): Promise<ScoredVideo[]> {
    const made = cuts.flatMap((one) => (one.made ? [one.made] : []));
    const counts = made.map(({ bytes, shape }) => bytes.length / shape.reduce((product, side) => product * side));
    const count = counts.reduce((sum, clips) => sum + clips, 0);
    const scores = count === 0 ? [] : await actor.score({ clips: joined(made), count, batch: most });
    const scored: ScoredVideo[] = [];
    for (const { entry, made: clips, failure } of cuts) {
      const row = clips ? rowOf(entry, clips, scores.splice(0, counts.shift()!)) : unscoredRow(entry, failure!);
      scored.push(row);
      onVideo(row);
    }
    return scored;
  }
}

function joined(made: readonly CutClips[]): Uint8Array {
  if (made.length === 1) return made[0]!.bytes;
  const bytes = new Uint8Array(made.reduce((sum, clips) => sum + clips.bytes.length, 0));
  let at = 0;
  for (const clips of made) {
    bytes.set(clips.bytes, at);
    at += clips.bytes.length;
  }
  return bytes;
}

function rowOf(entry: SplitEntry, { even, middle, sharpness }: CutClips, scores: readonly Score[]): ScoredVideo {
  const evenScores = scores.slice(0, even);
  const mean = (figureOf: (score: Score) => number) =>
    evenScores.reduce((sum, score) => sum + figureOf(score), 0) / evenScores.length;
  return {
    ...entry,
    properties: { ...entry.properties, sharpness },
    score: mean(({ probability }) => probability),
    score1Clip: scores[middle]!.probability,
    hllRatio: mean(({ hllRatio }) => hllRatio),
    hllEnergy: mean(({ hllEnergy }) => hllEnergy),
    clips: even,
  };
}

const unscoredRow = (entry: SplitEntry, failure: SampleFailure): ScoredVideo => ({
  ...entry,
  ...{ score: UNSCORED, score1Clip: UNSCORED, hllRatio: null, hllEnergy: null, clips: 0, failure },
});
