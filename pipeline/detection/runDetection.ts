import { mkdir, rmdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { EXIT } from '../exitCodes.js';
import { listVideos } from '../preprocessing/videoList.js';
import { Console, duration, type LogFormat } from '../progress.js';
import { StopSignal } from '../run/stopSignal.js';
import { snakeCaseJson } from '../snakeCaseJson.js';
import { UserError } from '../userError.js';
import { writableFolder } from '../writableFolder.js';
import { writeResult } from '../writeResult.js';
import { batchPage } from './batchPage.js';
import { clipStrips } from './clipStrips.js';
import { type DetectOptions, detect } from './detect.js';
import { verdictPage } from './verdictPage.js';
import { verdictsCsv } from './verdictsCsv.js';
import { shortMeaning, verdictText } from './verdictText.js';
import type { VideoVerdict } from './videoVerdict.js';

/** The options of the detect command, as parsed. */
export type DetectCommandOptions = Omit<DetectOptions, 'signal' | 'onReady' | 'onVerdict'> & {
  out?: string;
  json?: boolean;
  logFormat: LogFormat;
};

/**
 * Judges one video, or several as a batch, and writes what was found.
 * @returns the process's exit code
 * @throws UserError for wrong input, also where the one video cannot be judged
 */
export async function runDetection(given: readonly string[], options: DetectCommandOptions): Promise<number> {
  const { out, json, logFormat, ...settings } = options;
  const log = new Console(logFormat);
  const single = given.length === 1 && (await isVideoFile(given[0]!));
  const videos = await listVideos(given, { split: 'test', label: 0 });
  const folder = await writableFolder(out ?? (single ? `${videos[0]!.id}-verdict` : 'verdicts'));
  const pages = single ? folder.path : join(folder.path, 'videos');
  const stop = new StopSignal();
  const begun = performance.now();
  const written: { result: VideoVerdict; page: string }[] = [];
  try {
    const verdicts = await detect(given, {
      ...settings,
      signal: stop.signal,
      onReady: ({ engine, checkpoint }, { length }, threads) => {
        log.info(`engine ${engine.name} ${engine.version} on ${engine.device}: ${engine.reason}`);
        if (!checkpoint.calibration)
          log.warn(`${options.checkpoint} is not calibrated: numbers are raw scores and no evidence`);
        log.info(
          single
            ? 'looking for faces; hours of video take minutes'
            : `${length} video${length === 1 ? '' : 's'}, ${threads} at once`,
        );
      },
      onVerdict: async (result, { id }, pixels) => {
        if (single && result.status === 'failed') return;
        const name = single ? 'verdict' : id;
        const page = verdictPage(result, await clipStrips(result, pixels));
        await mkdir(pages, { recursive: true });
        await writeResult(join(pages, `${name}.html`), page);
        await writeResult(join(pages, `${name}.json`), snakeCaseJson(result));
        written.push({ result, page: `videos/${encodeURIComponent(name)}.html` });
        if (!json) process.stdout.write(`${verdictText(result)}\n`);
        if (single) return;
        const secondsLeft = ((performance.now() - begun) / 1000 / written.length) * (videos.length - written.length);
        log.status(
          `video ${written.length}/${videos.length} | ${duration(secondsLeft)} left`,
          { videos: written.length, total: videos.length, secondsLeft },
          written.length === videos.length,
        );
      },
    });
    if (!single && verdicts.length > 0) {
      await writeResult(join(folder.path, 'verdicts.csv'), verdictsCsv(verdicts));
      await writeResult(join(folder.path, 'index.html'), batchPage(written));
    }
    if (stop.exitCode !== undefined) {
      log.warn(
        `stopped after ${verdicts.length} of ${videos.length} videos${verdicts.length > 0 && !single ? `; those are in ${folder.path}` : '; nothing was written'}`,
      );
      return stop.exitCode;
    }
    const failed = verdicts.filter(({ status }) => status === 'failed');
    if (single && failed.length > 0) throw new UserError(`${given[0]}: ${failed[0]!.reason}`);
    if (json) process.stdout.write(snakeCaseJson(single ? verdicts[0] : verdicts));
    else if (verdicts.some(({ status }) => status === 'judged'))
      process.stdout.write(`${shortMeaning(verdicts[0]!)}\n`);
    log.info(
      single
        ? `written: ${join(folder.path, 'verdict.html')}, verdict.json`
        : `written: ${join(folder.path, 'verdicts.csv')}, index.html, and a page and JSON for each video in videos/`,
    );
    if (failed.length === verdicts.length)
      throw new UserError(
        `none of ${failed.length} videos could be judged; the first: ${failed[0]!.file}: ${failed[0]!.reason}`,
      );
    if (failed.length > 0)
      log.warn(`${failed.length} of ${verdicts.length} videos could not be judged: see their notes`);
    return failed.length > 0 ? EXIT.samples : EXIT.done;
  } finally {
    stop.release();
    if (written.length === 0 && folder.isNew) await rmdir(folder.path).catch(() => {});
  }
}

async function isVideoFile(argument: string): Promise<boolean> {
  const found = await stat(argument).catch(() => undefined);
  return found?.isFile() === true && extname(argument).toLowerCase() !== '.csv';
}
