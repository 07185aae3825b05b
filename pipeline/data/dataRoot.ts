import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ClipSource } from '../../workers/index.js';
import { UserError } from '../userError.js';

/** A folder of face crops, indexed by clip id. */
export type DataRoot = {
  readonly path: string;
  /** Ids that have a crops file, sorted. */
  readonly ids: readonly string[];
  /** Ids that have a landmarks file, sorted. */
  readonly landmarkIds: readonly string[];
  /** The two files of a clip; for an unknown id the paths where they were expected, so that reading names them. */
  locate(id: string): ClipSource;
};

async function folderOf(path: string): Promise<string[] | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? readdir(path) : undefined;
}

function index(names: string[], folder: string, suffix: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of names) {
    if (!name.endsWith('.npz')) continue;
    const stem = name.slice(0, -'.npz'.length);
    if (stem.endsWith(suffix)) files.set(stem.slice(0, stem.length - suffix.length), join(folder, name));
  }
  return files;
}

/**
 * Opens a data root: flat (`<id>_crops.npz` beside `<id>_landmarks.npz`) or with `crops/` and `landmarks/` folders,
 * where the suffixes may be missing (`crops/<id>.npz`).
 * @param asked how the user named it, for messages
 * @throws UserError when the folder does not exist or holds no crops.
 */
export async function openDataRoot(path: string, asked = '--data-root'): Promise<DataRoot> {
  const root = resolve(path);
  const names = await folderOf(root);
  if (!names) {
    const what = await stat(root).then(
      () => 'is a file',
      ({ code, message }: NodeJS.ErrnoException) =>
        code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`,
    );
    throw new UserError(`${asked}: expected a folder of face crops, but ${root} ${what}`);
  }
  const nested = await folderOf(join(root, 'crops'));
  const cropsFolder = nested ? join(root, 'crops') : root;
  const landmarksFolder = nested ? join(root, 'landmarks') : root;
  const cropNames = nested ?? names;
  const landmarkNames = nested ? ((await folderOf(landmarksFolder)) ?? []) : names;
  const bare = (kind: string, found: string[]) =>
    nested && !found.some((name) => name.endsWith(`_${kind}.npz`)) ? '' : `_${kind}`;
  const crops = index(cropNames, cropsFolder, bare('crops', cropNames));
  const landmarks = index(landmarkNames, landmarksFolder, bare('landmarks', landmarkNames));
  if (crops.size === 0)
    throw new UserError(
      `${asked}: no crops in ${root}; expected <id>_crops.npz with <id>_landmarks.npz, or folders crops/ and landmarks/`,
    );
  return {
    path: root,
    ids: [...crops.keys()].sort(),
    landmarkIds: [...landmarks.keys()].sort(),
    locate: (id) => ({
      id,
      crops: crops.get(id) ?? join(cropsFolder, `${id}_crops.npz`),
      landmarks: landmarks.get(id) ?? join(landmarksFolder, `${id}_landmarks.npz`),
    }),
  };
}
