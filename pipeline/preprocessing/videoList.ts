import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { csvRecords } from '../csvRecords.js';
import { checkClipId } from '../data/clipId.js';
import { SPLIT_NAMES, type SplitName } from '../data/splits.js';
import { UserError } from '../userError.js';

/** A video to be preprocessed and what the manifest will say of it. */
export type ListedVideo = {
  readonly id: string;
  readonly path: string;
  readonly split: SplitName;
  /** 0 real, 1 fake. */
  readonly label: 0 | 1;
  /** Further columns of the manifest, e.g. `method`, `pair_group`, `identity`. */
  readonly more: Readonly<Record<string, string>>;
};

export type ListDefaults = { readonly split: SplitName; readonly label: 0 | 1 };

/** What folders are searched for; a file that is named is taken whatever its name. */
const EXTENSIONS = new Set(
  '.3gp .avi .flv .gif .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv'.split(' '),
);
const PATTERN = /[*?[\]{}]/;
const COLUMNS = ['method', 'pair_group', 'identity', 'collection'] as const;

/**
 * The videos that the arguments name: files, folders (searched to the bottom), patterns such as `clips/*.mp4` and CSV
 * manifests with a column `file` (relative to the manifest) and optionally `id,split,label,method,pair_group,identity,collection`.
 * @throws UserError naming what cannot be found or read, and where
 */
export async function listVideos(given: readonly string[], defaults: ListDefaults): Promise<ListedVideo[]> {
  const listed: (Omit<ListedVideo, 'id'> & { id?: string; where: string })[] = [];
  for (const argument of given) {
    const found = await stat(argument).catch(() => undefined);
    const plain = (path: string) => ({ path: resolve(path), ...defaults, more: {}, where: argument });
    if (found?.isFile() && extname(argument).toLowerCase() === '.csv')
      listed.push(...(await readVideoManifest(argument, defaults)));
    else if (found?.isFile()) listed.push(plain(argument));
    else if (found?.isDirectory()) {
      const videos = await videosIn(argument);
      if (videos.length === 0)
        throw new UserError(`${argument}: no videos in this folder (looked for ${[...EXTENSIONS].join(' ')})`);
      listed.push(...videos.map(plain));
    } else if (found) throw new UserError(`${argument}: expected a file or a folder but it is something else`);
    else if (PATTERN.test(argument)) {
      const matches = await matching(argument);
      if (matches.length === 0) throw new UserError(`${argument}: no file matches this pattern`);
      listed.push(...matches.map(plain));
    } else throw new UserError(`${argument}: no such file or folder`);
  }
  return withIds(dropRepeated(listed));
}

async function videosIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const matching = async (pattern: string): Promise<string[]> => (await glob(pattern, { absolute: true })).sort();

async function readVideoManifest(file: string, defaults: ListDefaults) {
  return csvRecords(await readFile(file, 'utf8'), file).map((row, at) => {
    const where = `${file}, row ${at + 1}`;
    if (!row.file)
      throw new UserError(
        `${where}: expected a column "file" with a video's path; found ${Object.keys(row).join(', ') || 'none'}`,
      );
    const split = row.split ? SPLIT_NAMES.find((name) => name === row.split) : defaults.split;
    if (!split) throw new UserError(`${where}: expected split train, val or test but received "${row.split}"`);
    if (row.label && row.label !== '0' && row.label !== '1')
      throw new UserError(`${where}: expected label 0 (real) or 1 (fake) but received "${row.label}"`);
    return {
      ...(row.id ? { id: checkClipId(row.id, where) } : {}),
      path: resolve(dirname(file), row.file),
      split,
      label: row.label ? (Number(row.label) as 0 | 1) : defaults.label,
      more: Object.fromEntries(COLUMNS.flatMap((column) => (row[column] ? [[column, row[column]]] : []))),
      where,
    };
  });
}

type Named = Omit<ListedVideo, 'id'> & { id?: string; where: string };

/** The same file twice, say by a pattern and by name, is one video; a manifest's row goes before a bare name. */
function dropRepeated(listed: readonly Named[]): Named[] {
  const byPath = new Map<string, Named>();
  for (const video of listed) {
    const before = byPath.get(video.path);
    if (!before || (before.id === undefined && video.id !== undefined)) byPath.set(video.path, video);
  }
  return [...byPath.values()];
}

/** Ids from file names, made safe; where two would be alike, with the folder's name, then numbered. */
function withIds(listed: readonly Named[]): ListedVideo[] {
  const taken = new Map<string, string>();
  for (const { id, where } of listed) {
    if (id === undefined) continue;
    const before = taken.get(id);
    if (before !== undefined) throw new UserError(`${where}: id "${id}" is that of ${before} already`);
    taken.set(id, where);
  }
  return listed.map(({ where, id: given, ...video }) => {
    let id = given;
    if (id === undefined) {
      const name = safeId(basename(video.path, extname(video.path)));
      const folder = safeId(basename(dirname(video.path)));
      const names = [name, `${folder}_${name}`];
      for (let n = 2; taken.has(names[0]!) && names.length > 1; n++) {
        names.shift();
        if (names.length === 1) names.push(`${folder}_${name}_${n}`);
      }
      id = names[0]!;
      taken.set(id, where);
    }
    return { id, ...video };
  });
}

/** Letters, digits, dots, dashes and underlines of any script; what a shell, CSV or file system might trip over is `_`. */
const safeId = (name: string): string =>
  name
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}._-]/gu, '_')
    .replace(/^[.-]+/, '_')
    .slice(0, 120) || 'video';
