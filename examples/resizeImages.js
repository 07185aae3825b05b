// Resizes every image of a folder with the stream operators alone: no model, no workers.
//
//   node examples/resizeImages.js INPUT_FOLDER OUTPUT_FOLDER [WIDTH]
//
// At most a few pictures are in memory at once however many there are. Pictures that cannot be read are listed and
// skipped; when more than a fifth of them are broken it stops, because that is no accident. Ctrl-C finishes what is
// under way.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, tap } from 'rxjs';
import sharp from 'sharp';
import {
  consume,
  failureBudget,
  flowCredits,
  JsonLines,
  jsonLines,
  keep,
  orderedMap,
  progress,
  pull,
  retryThenQuarantine,
  stopOn,
  ThroughputMeter,
} from 'stf-mamba/operators';
import writeFileAtomic from 'write-file-atomic';

const [input, output, width = '256'] = process.argv.slice(2);
if (!input || !output || !(Number(width) > 0)) {
  console.error('usage: node examples/resizeImages.js INPUT_FOLDER OUTPUT_FOLDER [WIDTH]');
  process.exit(2);
}

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

/** @param {string} name */
const resize = async (name) => {
  const picture = await sharp(await readFile(join(input, name)))
    .resize(Number(width))
    .toBuffer({ resolveWithObject: true });
  return { name, bytes: picture.data, width: picture.info.width, height: picture.info.height };
};

const names = (await readdir(input)).filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
await mkdir(output, { recursive: true });
const log = await JsonLines.open(join(output, 'pictures.jsonl'));

const concurrency = availableParallelism();
const credits = flowCredits({ concurrency, queued: 4 });
const meter = new ThroughputMeter();

const lines = pull(names, credits).pipe(
  stopOn(stop.signal), // upstream of the work: what is in flight is finished
  orderedMap(
    retryThenQuarantine((name) => [name], resize, { attempts: 1 }),
    { concurrency, meter },
  ),
  jsonLines(log, (result) =>
    result.ok
      ? { name: result.item, width: result.value.width, height: result.value.height }
      : { name: result.failures[0].item, error: String(result.failures[0].error) },
  ),
  failureBudget({ maxCount: 100, maxRate: 0.2, minSamples: 20 }),
  keep((result) => result.ok, credits),
  consume(
    async ({ value }) => {
      await writeFileAtomic(join(output, value.name), value.bytes);
      return value;
    },
    { credits },
  ),
  progress(({ name, width, height }) => `${name}  ${width} × ${height}`, { everyMs: 500 }),
);

try {
  await lastValueFrom(lines.pipe(tap((line) => console.log(line))), { defaultValue: undefined });
} catch (error) {
  console.error(error.message);
  process.exitCode = 3;
} finally {
  await log.close();
}
const { count, perSecond } = meter.snapshot();
console.log(`${count} of ${names.length} pictures, ${perSecond.toFixed(1)} a second`);
