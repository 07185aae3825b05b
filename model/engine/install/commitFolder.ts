import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const PARTIAL = '.partial-';

/**
 * Makes a folder all at once: `fill` gets an empty one beside it, which then takes its name. Whoever looks sees the
 * finished folder or none. What lay there before is removed.
 */
export async function commitFolder(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const partial = await mkdtemp(`${folder}${PARTIAL}`);
  try {
    await fill(partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Removes what broken-off runs left beside the folders of a cache. Only the holder of the cache's lock may do so. */
export async function removePartialFolders(cache: string): Promise<string[]> {
  const names = await readdir(cache).catch(() => [] as string[]);
  const left = names.filter((name) => basename(name).includes(PARTIAL));
  for (const name of left) await rm(join(cache, name), { recursive: true, force: true });
  return left;
}
