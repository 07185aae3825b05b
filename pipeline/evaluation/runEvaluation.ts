import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { StfConfig } from '../../model/index.js';
import { type CuttingTask, cuttingPool } from '../../workers/index.js';
import { openDataRoot } from '../data/dataRoot.js';
import { readSplits, type SplitName } from '../data/splits.js';
import { EXIT } from '../exitCodes.js';
import { Console, duration, type LogFormat } from '../progress.js';
import { projectFolder } from '../projectFolder.js';
import { RunFolder } from '../run/runFolder.js';
import { StopSignal } from '../run/stopSignal.js';
import { shellWord } from '../shellWord.js';
import { UserError } from '../userError.js';
import { writableFolder } from '../writableFolder.js';
import { writeResult } from '../writeResult.js';
import { cuttingLayout } from './cuttingLayout.js';
import { evaluationCsv } from './evaluationCsv.js';
import { evaluationPage } from './evaluationPage.js';
import { evaluationJson, evaluationResult } from './evaluationResult.js';
import { evaluationTable } from './evaluationTable.js';
import { evaluationVideos } from './evaluationVideos.js';
import type { LoadRequest } from './scoreActor.js';
import { ScoreActorClient } from './scoreActorClient.js';
import { type ScoredVideo, scoreVideos } from './scoreVideos.js';

/** The options of the evaluate command, as parsed. */
export type EvaluateOptions = {
  checkpoint: string;
  dataRoot: string;
  split: SplitName;
  methods?: string[];
  out?: string;
  clips: number;
  fullReport?: boolean;
  config?: string;
  engine: LoadRequest['engine'];
  workers: number;
  batch: number;
  seed: number;
  json?: boolean;
  logFormat: LogFormat;
};

/** Reading videos is quicker than scoring them: more threads would only hold memory. */
const MOST_THREADS = 4;
/** A worker that has been at one video for so long hangs: it is ended and the video tried again. */
const TASK_TIMEOUT_MS = 120_000;

/**
 * Evaluates a checkpoint: videos → clips (worker pool) → scores (score actor) → figures and files.
 * @returns the process's exit code
 * @throws UserError for wrong input, before anything is scored
 */
export async function runEvaluation(options: EvaluateOptions): Promise<number> {
  const log = new Console(options.logFormat);
  const data = await openDataRoot(options.dataRoot);
  const splits = await readSplits(data.path, join(projectFolder, 'splits'));
  const entries = evaluationVideos(splits, data, options.split, options.methods);
  const stop = new StopSignal();
  const actor = new ScoreActorClient();
  const threads = options.workers || Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1));
  let pool: ReturnType<typeof cuttingPool> | undefined;
  try {
    const { config, engine, phase, step } = await actor.load({
      checkpoint: options.checkpoint,
      engine: options.engine,
      ...(options.config === undefined ? {} : { config: options.config }),
    });
    const out = await outputFolder(options);
    log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
    log.info(
      `${entries.length} videos of the split "${options.split}" (${splits.source}), ${options.clips} clips each; ${threads} workers`,
    );
    if (options.split === 'train')
      log.warn('the training split says how well the detector knows people it has seen, not how well it detects');
    pool = cuttingPool({ threads, taskTimeoutMs: TASK_TIMEOUT_MS });
    const cutting = pool;
    const videos = await scoreVideos(entries, {
      taskOf: (entry) => cuttingTask(data.locate(entry.id), config, options.clips),
      cut: (task, signal) => cutting.run(task, { signal }),
      ...{ threads, batch: options.batch, actor, signal: stop.signal },
      onVideo: videoReporter(log, entries.length),
    });
    if (stop.exitCode !== undefined) {
      log.warn(`stopped after ${videos.length} of ${entries.length} videos; nothing was written`);
      return stop.exitCode;
    }
    checkScored(videos, data.path);
    const result = evaluationResult(
      {
        checkpoint: {
          file: options.checkpoint,
          ...(phase === undefined ? {} : { phase }),
          ...(step === undefined ? {} : { step }),
        },
        engine,
        data: { root: data.path, split: options.split, source: splits.source, methods: options.methods ?? null },
        clips: {
          perVideo: options.clips,
          segments: config.num_segments,
          framesPerSegment: config.frames_per_segment,
          imgSize: config.img_size,
        },
      },
      videos,
      options.seed,
    );
    const json = evaluationJson(result);
    await writeResult(join(out, 'evaluation.csv'), evaluationCsv(videos));
    await writeResult(join(out, 'evaluation.html'), evaluationPage(result, videos));
    await writeResult(join(out, 'evaluation.json'), json);
    process.stdout.write(options.json ? json : `\n${evaluationTable(result, options.fullReport ?? false)}\n`);
    log.info(`written: ${join(out, 'evaluation.html')}, evaluation.json, evaluation.csv`);
    const run = dirname(out);
    if (basename(out).startsWith('evaluation') && (await RunFolder.holdsRunAt(run)))
      log.info(`to show it in the run's report: node pipeline/report.js ${shellWord(run)}`);
    return EXIT.done;
  } finally {
    await pool?.destroy();
    await actor.close();
    stop.release();
  }
}

const cuttingTask = (source: CuttingTask['source'], config: StfConfig, clips: number): CuttingTask => ({
  source,
  options: { clips, ...cuttingLayout(config) },
});

/** The folder that results go to, made and writable. */
async function outputFolder({ out, checkpoint, split }: EvaluateOptions): Promise<string> {
  const beside = dirname(resolve(checkpoint));
  const run = basename(beside) === 'checkpoints' ? dirname(beside) : beside;
  return (await writableFolder(out ?? join(run, `evaluation-${split}`))).path;
}

function videoReporter(log: Console, total: number): (video: ScoredVideo) => void {
  const begun = performance.now();
  let done = 0;
  let failed = 0;
  return ({ failure }) => {
    done++;
    if (failure) failed++;
    const perSecond = done / ((performance.now() - begun) / 1000);
    const secondsLeft = (total - done) / perSecond;
    log.status(
      `video ${done}/${total} | ${perSecond.toFixed(1)} videos/s | ${duration(secondsLeft)} left${failed > 0 ? ` | ${failed} not scored` : ''}`,
      { videos: done, total, videosPerSecond: perSecond, secondsLeft, failed },
      done === total,
    );
  };
}

/** Figures about nothing but 0.5 would look like a result. */
function checkScored(videos: readonly ScoredVideo[], root: string): void {
  for (const label of [0, 1] as const) {
    const ofClass = videos.filter((video) => video.label === label);
    const first = ofClass[0]?.failure;
    if (first && ofClass.every(({ failure }) => failure))
      throw new UserError(
        `none of the ${ofClass.length} ${label === 1 ? 'fake' : 'real'} videos in ${root} could be scored; the first: ${first.clip}: ${first.stage}: ${first.reason}`,
      );
  }
}
