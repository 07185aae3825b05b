import { readFile } from 'node:fs/promises';
import { diskReason } from './diskReason.js';
import { JsonLinesError } from './jsonLines.js';
import { replaceFile } from './replaceFile.js';

/**
 * Rewrites a file of JSON lines with only the rows that `keep` wants, e.g. those before the step a run resumes from.
 * Atomic: temporary file, fsync, rename; the old file stays until then, and untouched if every row is kept. Kept lines
 * keep their exact bytes. A torn last line is dropped; a missing file counts as empty. The file must not be open for
 * writing.
 *
 * @example
 * await truncateJsonLines('runs/a/metrics.jsonl', (row) => row.step < checkpoint.step);
 *
 * @throws JsonLinesError if a line other than the last is not a JSON object, or the file cannot be read or written.
 */
export async function truncateJsonLines(
  path: string,
  keep: (row: Record<string, unknown>) => boolean,
): Promise<{ kept: number; dropped: number }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kept: 0, dropped: 0 };
    throw new JsonLinesError(`Could not read ${path}: ${diskReason(error)}`, { cause: error });
  }
  const lines: Buffer[] = [];
  let dropped = 0;
  for (let start = 0, number = 1; start < bytes.length; number += 1) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    start = end + 1;
    const row = parseRow(line);
    if (row === undefined && newline >= 0) {
      throw new JsonLinesError(`Expected a JSON object in line ${number} of ${path} but found ${excerpt(line)}`);
    }
    if (row !== undefined && keep(row)) lines.push(line, NEWLINE);
    else dropped += 1;
  }
  const kept = lines.length / 2;
  if (dropped > 0 || bytes.at(-1) !== 10) {
    if (bytes.length === 0) return { kept, dropped };
    try {
      await replaceFile(path, Buffer.concat(lines));
    } catch (error) {
      throw new JsonLinesError(`Could not rewrite ${path}: ${diskReason(error)}`, { cause: error });
    }
  }
  return { kept, dropped };
}

const NEWLINE = Buffer.from('\n');

function parseRow(line: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function excerpt(line: Buffer): string {
  return JSON.stringify(line.subarray(0, 40).toString());
}
