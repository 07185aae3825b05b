import { mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { defaultIfEmpty, lastValueFrom, tap } from 'rxjs';
import {
  consume,
  FailureBudgetExceeded,
  failureBudget,
  flowCredits,
  JsonLines,
  orderedMap,
  pull,
  type Quarantined,
  retryThenQuarantine,
  stopOn,
} from '../../operators/index.js';
import {
  PREPROCESSING_STAGES,
  type PreprocessedVideo,
  type PreprocessOptions,
  type PreprocessTask,
  preprocessPool,
  type StageTimes,
} from '../../workers/index.js';
import { CountProgress } from '../countProgress.js';
import { encodeNpz } from '../demo/npzFile.js';
import { EXIT } from '../exitCodes.js';
import { RunLock } from '../run/runLock.js';
import { StopSignal } from '../run/stopSignal.js';
import { attemptOptions, describeFailure } from '../training/fillPosition.js';
import { UserError } from '../userError.js';
import { writeResult } from '../writeResult.js';
import { drawCropSheet } from './cropSheet.js';
import { loadFaceModels } from './installFaceModels.js';
import { writeOutputManifest } from './outputManifest.js';
import {
  type CutFace,
  checkIds,
  cropsFile,
  isFinished,
  landmarksFile,
  type PreprocessRow,
  readLog,
} from './preprocessLog.js';
import { type ListDefaults, type ListedVideo, listVideos } from './videoList.js';

export type RunPreprocessOptions = {
  out: string;
  defaults: ListDefaults;
  /** Threads; 0 for one per core. */
  workers: number;
  cutting: PreprocessOptions;
  /** The share of videos that may give nothing, 0..1, judged once 20 have been tried. */
  maxFailed: number;
  say: (line: string) => void;
};

const BUDGET_AFTER = 20;
/** Hours of video are indexed in minutes; what takes longer hangs. */
const TASK_TIMEOUT_MS = 3_600_000;
const POINTS = 81;

type Outcome = Quarantined<ListedVideo, PreprocessedVideo>;

/**
 * Cuts the faces of many videos into a data root, in parallel, in order, with a bounded number of videos in memory. What
 * was finished by an earlier call into the same folder is not done again.
 *
 * @returns the exit code
 * @throws UserError for wrong arguments, when another call cuts into the folder, or when it cannot be written to
 */
export async function runPreprocess(given: readonly string[], options: RunPreprocessOptions): Promise<number> {
  const out = resolve(options.out);
  const videos = await listVideos(given, options.defaults);
  await mkdir(out, { recursive: true }).catch((error: Error) => {
    throw new UserError(`--out: cannot write to ${out}: ${error.message}`);
  });
  // Two calls at once would each write the manifest without the other's videos.
  const lock = await RunLock.take(out, { say: options.say });
  try {
    return await cutInto(out, videos, options);
  } finally {
    await lock.release();
  }
}

async function cutInto(out: string, videos: readonly ListedVideo[], options: RunPreprocessOptions): Promise<number> {
  const { cutting, maxFailed, say } = options;
  const logFile = join(out, 'preprocess.jsonl');
  const log = await JsonLines.open(logFile);
  const quarantine = await JsonLines.open(join(out, 'quarantine.jsonl'));
  const stop = new StopSignal();
  try {
    const finished = await readLog(logFile);
    checkIds(videos, finished, out);
    const todo: ListedVideo[] = [];
    for (const video of videos)
      if (!(await isFinished(video, finished.get(video.path), out, cutting))) todo.push(video);
    if (todo.length < videos.length)
      say(`${videos.length - todo.length} of ${videos.length} videos are finished already`);
    const kept: PreprocessRow[] = [];
    let failed = 0;
    const store = async (outcome: Outcome): Promise<Outcome> => {
      for (const failure of outcome.failures.map(({ item, ...rest }) => ({
        path: item.path,
        ...describeFailure({ item: item.id, ...rest }),
      }))) {
        failed++;
        await quarantine.write(failure);
        say(`${failure.path}: ${failure.reason}`);
      }
      if (outcome.ok) {
        const row = await writeVideo(out, outcome.item, outcome.value, cutting);
        await log.write(row);
        finished.set(row.path, row);
        kept.push(row);
      }
      return outcome;
    };
    const exceeded = todo.length === 0 ? undefined : await cutAll(todo, options, store, stop.signal);
    await log.flush();
    const rows = [...finished.values()];
    if (rows.length > 0) {
      await writeOutputManifest(join(out, 'manifest.csv'), rows);
      await drawCropSheet(
        out,
        rows.flatMap(({ faces }) => faces.map(({ id }) => id)),
        join(out, 'contact-sheet.png'),
      );
    }
    say(summary(videos.length, todo.length, kept, failed));
    if (rows.length > 0) say(`crops, landmarks, manifest.csv and contact-sheet.png in ${out}`);
    if (stop.exitCode !== undefined) return stop.exitCode;
    if (exceeded) throw exceeded;
    if (rows.length === 0) say('no video gave any crops');
    return rows.length === 0 ? EXIT.samples : EXIT.done;
  } finally {
    stop.release();
    await log.close();
    await quarantine.close();
  }

  async function cutAll(
    todo: readonly ListedVideo[],
    { workers }: RunPreprocessOptions,
    store: (outcome: Outcome) => Promise<Outcome>,
    signal: AbortSignal,
  ): Promise<FailureBudgetExceeded | undefined> {
    const models = await loadFaceModels();
    const threads = Math.min(workers || availableParallelism(), todo.length);
    const pool = preprocessPool({ threads, taskTimeoutMs: TASK_TIMEOUT_MS, recycleAfter: 500 });
    const progress = new CountProgress('cut', todo.length);
    const credits = flowCredits({ concurrency: threads, queued: 1 });
    const cut = (video: ListedVideo, aborted: AbortSignal) => {
      const task: PreprocessTask = { source: { id: video.id }, path: video.path, options: cutting, models };
      return pool.run(task, { signal: aborted });
    };
    try {
      await lastValueFrom(
        pull(todo, credits).pipe(
          orderedMap(
            retryThenQuarantine((video: ListedVideo) => [video], cut, attemptOptions),
            { concurrency: threads },
          ),
          consume(store, { credits }),
          tap(() => progress.advance()),
          failureBudget({ maxCount: Number.POSITIVE_INFINITY, maxRate: maxFailed, minSamples: BUDGET_AFTER }),
          stopOn(signal),
          defaultIfEmpty(undefined),
        ),
      );
      return undefined;
    } catch (error) {
      if (error instanceof FailureBudgetExceeded) return error;
      throw error;
    } finally {
      progress.end();
      await pool.destroy();
    }
  }
}

/** Both files of each face, crops first: a data root without landmarks shows what is unfinished. */
async function writeVideo(
  out: string,
  { id, path, split, label, more }: ListedVideo,
  made: PreprocessedVideo,
  options: PreprocessOptions,
): Promise<PreprocessRow> {
  const { size, video, passed, stages } = made;
  const faces: CutFace[] = [];
  let at = 0;
  for (const [face, { frames, landmarks, runs, squares, margined }] of made.faces.entries()) {
    const faceId = face === 0 ? id : `${id}_face${face + 1}`;
    const count = frames.length;
    const data = made.bytes.subarray(at, at + count * size * size * 3);
    at += data.length;
    await writeResult(cropsFile(out, faceId), encodeNpz({ crops: { shape: [count, size, size, 3], data } }));
    await writeResult(
      landmarksFile(out, faceId),
      encodeNpz({
        landmarks: { shape: [count, POINTS, 2], data: landmarks },
        frames: { shape: [count], data: frames },
      }),
    );
    faces.push({ id: faceId, runs, frames: count, squares, margined });
  }
  const { size: bytes, mtimeMs } = await stat(path);
  return { id, path, bytes, mtimeMs, options, faces, split, label, more, video, passed, stages };
}

function summary(asked: number, tried: number, kept: readonly PreprocessRow[], failed: number): string {
  const frames = kept.flatMap(({ faces }) => faces).reduce((sum, face) => sum + face.frames, 0);
  const lines = [
    `${kept.length} of ${tried} videos cut (${asked} asked for), ${kept.flatMap(({ faces }) => faces).length} faces, ${frames} frames${failed ? `; ${failed} gave nothing, see quarantine.jsonl` : ''}`,
  ];
  if (frames > 0) {
    const per32 = (stage: keyof StageTimes) =>
      (kept.reduce((sum, { stages }) => sum + stages[stage], 0) / 1000) * (32 / frames);
    const all = PREPROCESSING_STAGES.reduce((sum, stage) => sum + per32(stage), 0);
    const parts = PREPROCESSING_STAGES.map((stage) => `${stage} ${per32(stage).toFixed(3)}`).join(', ');
    lines.push(`CPU seconds for 32 kept frames: ${all.toFixed(2)} (${parts})`);
  }
  return lines.join('\n');
}
