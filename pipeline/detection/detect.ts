import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileDigest } from '../../model/engine/install/fileDigest.js';
import type { EngineInfo, StfConfig } from '../../model/index.js';
import { PREPROCESS_DEFAULTS, videoClipsPool } from '../../workers/index.js';
import { cuttingLayout } from '../evaluation/cuttingLayout.js';
import { LEVEL, RESAMPLES, THRESHOLD } from '../evaluation/evaluationResult.js';
import { ScoreActorClient } from '../evaluation/scoreActorClient.js';
import { loadFaceModels } from '../preprocessing/installFaceModels.js';
import { type ListedVideo, listVideos } from '../preprocessing/videoList.js';
import { UserError } from '../userError.js';
import { type JudgedPixels, judgeVideos } from './judgeVideos.js';
import type { Judge, VideoVerdict } from './videoVerdict.js';

export type DetectOptions = {
  /** A `.safetensors` file that training wrote. */
  checkpoint: string;
  /** Path of a YAML file, for a checkpoint that carries no configuration or to replace its own. */
  config?: string;
  /** What computes; chosen by itself unless given. */
  engine?: 'auto' | 'tensorflow' | 'tensorflow-cuda' | 'wasm';
  /** Clips judged of each face, spread over the video; fewer where it is short. Default 8. */
  clips?: number;
  /** From which probability on a face is called manipulated, in (0,1). Default 0.5. */
  threshold?: number;
  /** The main face alone and not every one that stays. */
  mainFace?: boolean;
  /** Side of the crops, pixels: as the training data was cut. Default 256, as `preprocess`. */
  size?: number;
  /** Faces with a smaller side are passed over, pixels of the video. Default 32. */
  minFace?: number;
  /** Threads that look through videos; 0: one per core, less one, at most 4. */
  workers?: number;
  /** Most clips in the network at once. Default 4. */
  batch?: number;
  /** Seed of the bootstrap. */
  seed?: number;
  /** Ends it early; what was judged until then is returned. */
  signal?: AbortSignal;
  /** Told once what judges, before the first video. */
  onReady?: (judge: Judge, videos: readonly ListedVideo[], threads: number) => void | Promise<void>;
  /** Told of each video in order, with the clips as the network saw them; the next one waits for it. */
  onVerdict?: (verdict: VideoVerdict, video: ListedVideo, pixels: JudgedPixels | null) => void | Promise<void>;
};

export const DETECT_DEFAULTS = {
  ...{ clips: 8, threshold: THRESHOLD, batch: 4, seed: 0, workers: 0 },
  ...{ size: PREPROCESS_DEFAULTS.size, minFace: PREPROCESS_DEFAULTS.leastSide },
} as const;

/** As in evaluation: judging waits for the network, more threads would only hold memory. */
const MOST_THREADS = 4;
/** Hours of video are indexed in minutes; what takes longer hangs. */
const TASK_TIMEOUT_MS = 3_600_000;

/**
 * Judges videos: finds and follows the faces of each, cuts clips as the network was trained on, and says how probable it
 * is that they were manipulated.
 *
 * @param videos files, folders, patterns such as `clips/*.mp4`, or CSV manifests with a column `file`
 * @returns a verdict for each video, in order; one that cannot be judged says why
 * @throws UserError when a video or the face models are not there, or the checkpoint cannot be used; CodecUnavailableError
 *   without node-av
 *
 * @example
 * import { detect } from 'stf-mamba/detect';
 * const [{ status, verdict, faces }] = await detect('talk.mp4', { checkpoint: 'runs/a/checkpoints/best.safetensors' });
 */
export async function detect(videos: string | readonly string[], options: DetectOptions): Promise<VideoVerdict[]> {
  const { checkpoint, config: configFile, engine: request = 'auto', mainFace = false } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...DETECT_DEFAULTS, ...(given as typeof options) };
  checkSettings(settings);
  const listed = await listVideos(typeof videos === 'string' ? [videos] : videos, { split: 'test', label: 0 });
  const models = await loadFaceModels();
  const signal = options.signal ?? new AbortController().signal;
  const threads = settings.workers || Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1, listed.length));
  const actor = new ScoreActorClient();
  let pool: ReturnType<typeof videoClipsPool> | undefined;
  const verdicts: VideoVerdict[] = [];
  try {
    const loaded = await actor.load({
      ...{ checkpoint, engine: request },
      ...(configFile === undefined ? {} : { config: configFile }),
    });
    const { config, calibration, phase, step } = loaded;
    const source = {
      ...{ file: resolve(checkpoint), sha256: await fileDigest(checkpoint), calibration },
      ...(phase === undefined ? {} : { phase }),
      ...(step === undefined ? {} : { step }),
    };
    const judge = judgeOf(source, loaded.engine, config, settings);
    await options.onReady?.(judge, listed, threads);
    pool = videoClipsPool({ threads, taskTimeoutMs: TASK_TIMEOUT_MS, recycleAfter: 500 });
    const cutting = pool;
    const finding = {
      ...{ size: settings.size, smooth: PREPROCESS_DEFAULTS.smooth },
      ...{ leastSide: settings.minFace, allFaces: !mainFace },
    };
    await judgeVideos(listed, {
      ...{ judge, threads, batch: settings.batch, actor, signal },
      taskOf: ({ id, path }) => ({
        ...{ source: { id }, path, models, clips: settings.clips, cutting: cuttingLayout(config), finding },
      }),
      cut: (task, abort) => cutting.run(task, { signal: abort }),
      onVerdict: async (verdict, video, pixels) => {
        verdicts.push(verdict);
        await options.onVerdict?.(verdict, video, pixels);
      },
    });
    return verdicts;
  } finally {
    await pool?.destroy();
    await actor.close();
  }
}

function judgeOf(
  checkpoint: Judge['checkpoint'],
  engine: EngineInfo,
  { num_segments, frames_per_segment, img_size }: StfConfig,
  { clips, size, threshold, seed }: { clips: number; size: number; threshold: number; seed: number },
): Judge {
  return {
    ...{ checkpoint, engine, threshold, cropSize: size },
    clips: { wanted: clips, segments: num_segments, framesPerSegment: frames_per_segment, imgSize: img_size },
    bootstrap: { resamples: RESAMPLES, level: LEVEL, seed, unit: 'clip' },
  };
}

function checkSettings({ threshold, ...numbers }: { threshold: number } & Record<string, unknown>): void {
  if (!(threshold > 0 && threshold < 1))
    throw new UserError(`Expected a number between 0 and 1 for threshold but received ${threshold}`);
  for (const [name, least] of [
    ['clips', 1],
    ['batch', 1],
    ['size', 32],
    ['minFace', 8],
    ['workers', 0],
    ['seed', 0],
  ] as const) {
    const value = numbers[name];
    if (!Number.isSafeInteger(value) || (value as number) < least)
      throw new UserError(`Expected a whole number of at least ${least} for ${name} but received ${value}`);
  }
}
