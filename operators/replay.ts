import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { diskReason } from './diskReason.js';
import { RECORDING_SUFFIX } from './recorder.js';
import { RecordingError } from './recordingError.js';
import { type Recording, type RecordingLimits, readRecording } from './recordingFile.js';

/** Numbers by their value (`step-9` before `step-10`), whatever the machine's language. */
const natural = new Intl.Collator('en', { numeric: true });

/** Names in natural order; those that differ in nothing but leading zeros still have one. */
export const naturalOrder = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : Number(a > b));

/**
 * The recordings at `path`: the file itself, or all of a folder's in natural order of their names.
 *
 * @throws RecordingError if there is nothing at `path`, or no recording in the folder.
 */
export async function listRecordings(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => name.endsWith(RECORDING_SUFFIX));
    if (names.length > 0) return names.sort(naturalOrder).map((name) => join(path, name));
  } catch (error) {
    throw new RecordingError(path, 0, 'a recording or a folder of them', diskReason(error), { cause: error });
  }
  throw new RecordingError(path, 0, `files named *${RECORDING_SUFFIX}`, 'none');
}

/**
 * Reads recordings one after the other, each when it is asked for; so under `pull` no more of them are in memory than
 * there are credits. Every byte is checked against its digest.
 *
 * @example
 * pull(replay(await listRecordings('runs/a/recorded')), new Credits(2)).pipe(consume(({ header, parts }) => …))
 *
 * @throws RecordingError at the first file that is not whole.
 */
export async function* replay(
  files: Iterable<string>,
  limits: Partial<RecordingLimits> = {},
): AsyncGenerator<Recording & { file: string; name: string }, void, undefined> {
  for (const file of files) yield { file, name: basename(file), ...(await readRecording(file, limits)) };
}
