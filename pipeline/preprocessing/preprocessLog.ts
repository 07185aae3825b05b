import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreprocessedFace, PreprocessedVideo, PreprocessOptions } from '../../workers/index.js';
import { UserError } from '../userError.js';
import type { ListedVideo } from './videoList.js';

/** One face of a finished video, as the manifest names it. */
export type CutFace = { id: string; runs: number; frames: number } & Pick<PreprocessedFace, 'squares' | 'margined'>;

/** A line of preprocess.jsonl: a video that is finished. */
export type PreprocessRow = {
  id: string;
  path: string;
  /** Of the video: a file that has changed is cut anew. */
  bytes: number;
  mtimeMs: number;
  options: PreprocessOptions;
  faces: CutFace[];
} & Pick<ListedVideo, 'split' | 'label' | 'more'> &
  Pick<PreprocessedVideo, 'video' | 'passed' | 'stages'>;

export const cropsFile = (out: string, id: string): string => join(out, `${id}_crops.npz`);
export const landmarksFile = (out: string, id: string): string => join(out, `${id}_landmarks.npz`);

/** What an output folder's log says is finished, the latest word on each video. */
export async function readLog(file: string): Promise<Map<string, PreprocessRow>> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const rows = new Map<string, PreprocessRow>();
  text.split('\n').forEach((line, at) => {
    if (line === '') return;
    try {
      const row = JSON.parse(line) as PreprocessRow;
      rows.set(row.path, row);
    } catch {
      throw new UserError(`${file}, line ${at + 1}: not a line of this log; move the file away to begin anew`);
    }
  });
  return rows;
}

/**
 * Whether a video need not be cut again: neither it nor the options have changed, and all of its files are there. Rows
 * without `margined` were written when small faces were still enlarged; those videos are cut anew.
 */
export async function isFinished(
  video: ListedVideo,
  row: PreprocessRow | undefined,
  out: string,
  options: PreprocessOptions,
): Promise<boolean> {
  if (!row || row.id !== video.id || JSON.stringify(row.options) !== JSON.stringify(options)) return false;
  const found = await stat(video.path).catch(() => undefined);
  if (found?.size !== row.bytes || found.mtimeMs !== row.mtimeMs) return false;
  if (row.faces.some(({ margined }) => (margined as number[] | undefined) === undefined)) return false;
  for (const { id } of row.faces)
    for (const file of [cropsFile(out, id), landmarksFile(out, id)])
      if (!(await stat(file).catch(() => undefined))) return false;
  return true;
}

/** @throws UserError when an id of this call is that of another video that was cut into the same folder before */
export function checkIds(videos: readonly ListedVideo[], log: ReadonlyMap<string, PreprocessRow>, out: string): void {
  const owners = new Map([...log.values()].flatMap(({ path, faces }) => faces.map(({ id }) => [id, path] as const)));
  for (const { id, path } of videos) {
    const owner = owners.get(id);
    if (owner !== undefined && owner !== path)
      throw new UserError(
        `${path}: id "${id}" is that of ${owner} in ${out}; name ids in a CSV manifest (column id) or choose another --out`,
      );
  }
}
