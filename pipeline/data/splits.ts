import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluatedVideo, VideoProperties } from '../../model/index.js';
import { csvRecords } from '../csvRecords.js';
import { UserError } from '../userError.js';
import { checkClipId } from './clipId.js';
import { describeShared, sharedBetweenSplits } from './sharedBetweenSplits.js';

export const SPLIT_NAMES = ['train', 'val', 'test'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];
/** One clip of a split, with what the manifest tells of it. */
export type SplitEntry = Pick<
  EvaluatedVideo,
  'id' | 'label' | 'method' | 'pairGroup' | 'identity' | 'collection' | 'properties'
>;
export type Splits = { readonly source: string; readonly clips: Record<SplitName, SplitEntry[]> };

const emptySplits = (): Record<SplitName, SplitEntry[]> => ({ train: [], val: [], test: [] });

/**
 * `manifest.csv`: columns `id,split,label` and optionally `method,pair_group,identity,collection` and, as preprocess
 * writes them, `width,height,face_px,bits_per_pixel`; others are ignored.
 * @throws UserError naming the line of the first bad row.
 */
export function parseManifest(text: string, file: string): Record<SplitName, SplitEntry[]> {
  const rows = csvRecords(text, file);
  const clips = emptySplits();
  const seen = new Map<string, number>();
  rows.forEach((row, at) => {
    const where = `${file}, row ${at + 1}`;
    for (const column of ['id', 'split', 'label'])
      if (row[column] === undefined)
        throw new UserError(
          `${file}: expected columns id, split, label; found ${Object.keys(rows[0] ?? {}).join(', ') || 'none'}`,
        );
    const id = checkClipId(row.id, where);
    const split = SPLIT_NAMES.find((name) => name === row.split);
    if (!split) throw new UserError(`${where}: expected split train, val or test but received "${row.split}"`);
    if (row.label !== '0' && row.label !== '1')
      throw new UserError(`${where}: expected label 0 (real) or 1 (fake) but received "${row.label}"`);
    const before = seen.get(id);
    if (before !== undefined) throw new UserError(`${where}: clip "${id}" stands in row ${before + 1} already`);
    seen.set(id, at);
    clips[split].push({
      id,
      label: row.label === '1' ? 1 : 0,
      ...(row.method ? { method: row.method } : {}),
      ...(row.pair_group ? { pairGroup: row.pair_group } : {}),
      ...(row.identity ? { identity: row.identity } : {}),
      ...(row.collection ? { collection: row.collection } : {}),
      ...propertiesOf(row),
    });
  });
  return clips;
}

const PROPERTY_COLUMNS = {
  width: 'width',
  height: 'height',
  facePixels: 'face_px',
  bitsPerPixel: 'bits_per_pixel',
} as const satisfies Partial<Record<keyof VideoProperties, string>>;

/** They only serve to look at what a detector might read instead of faces: what is no positive number is not known. */
function propertiesOf(row: Record<string, string>): { properties?: VideoProperties } {
  const known = Object.entries(PROPERTY_COLUMNS).flatMap(([name, column]) => {
    const value = Number(row[column]);
    return value > 0 && Number.isFinite(value) ? [[name, value] as const] : [];
  });
  return known.length === 0 ? {} : { properties: Object.fromEntries(known) };
}

/** A JSON split: a list of ids, or FaceForensics++'s list of id pairs (both ids of a pair are originals). */
export function parseSplitList(text: string, file: string): SplitEntry[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: not valid JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(list))
    throw new UserError(`${file}: expected a list of ids or of id pairs, received ${typeof list}`);
  const ids = list.flatMap((entry, at) => {
    if (Array.isArray(entry) && entry.length !== 2)
      throw new UserError(
        `${file}, entry ${at}: expected a clip id or a pair of them, received a list of ${entry.length}`,
      );
    const pair = Array.isArray(entry) ? entry : [entry];
    const checked = pair.map((id) => checkClipId(id, `${file}, entry ${at}`));
    if (checked.length === 2 && checked[0] === checked[1])
      throw new UserError(`${file}, entry ${at}: expected a pair of two clips, received "${checked[0]}" twice`);
    return checked;
  });
  return [...new Set(ids)].map((id) => ({ id, label: 0 }));
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

/** @throws UserError where it cannot be read, such as for a folder of that name */
const textOf = (file: string) =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`cannot read ${file}: ${error.message}`);
  });

/**
 * Reads which clip belongs to train, val and test: `manifest.csv` of the data root, else `splits/*.json` of the data
 * root, else those of the project.
 * @throws UserError when there is none, a file is malformed, or a clip or a person stands in two splits.
 */
export async function readSplits(dataRoot: string, projectSplits: string): Promise<Splits> {
  const splits = await loadSplits(dataRoot, projectSplits);
  if (!splits)
    throw new UserError(
      `no splits: expected ${join(dataRoot, 'manifest.csv')} (columns id,split,label) or train.json, val.json, test.json in ${join(dataRoot, 'splits')} or ${projectSplits}`,
    );
  const shared = sharedBetweenSplits(splits.clips);
  if (shared.length > 0) throw new UserError(`${splits.source}: ${describeShared(shared)}`);
  return splits;
}

/** As `readSplits`, but a clip or a person may stand in two splits; undefined where there are none. */
export async function loadSplits(dataRoot: string, projectSplits: string): Promise<Splits | undefined> {
  const manifest = join(dataRoot, 'manifest.csv');
  if (await exists(manifest)) return { source: manifest, clips: parseManifest(await textOf(manifest), manifest) };
  for (const folder of [join(dataRoot, 'splits'), projectSplits])
    if (await exists(join(folder, 'train.json'))) return { source: folder, clips: await readSplitLists(folder) };
  return undefined;
}

/** `train.json`, `val.json` and `test.json` of a folder; a missing one is empty. @throws UserError naming the file. */
export async function readSplitLists(folder: string): Promise<Record<SplitName, SplitEntry[]>> {
  const clips = emptySplits();
  for (const name of SPLIT_NAMES) {
    const file = join(folder, `${name}.json`);
    if (await exists(file)) clips[name] = parseSplitList(await textOf(file), file);
  }
  return clips;
}
