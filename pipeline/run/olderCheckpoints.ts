import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/* `last` as it was some checkpoints ago, to fall back on: `checkpoints/older/step-00000120.safetensors`. */

const FOLDER = 'older';
const nameOf = (step: number) => `step-${String(step).padStart(8, '0')}.safetensors`;

/** The older checkpoints in a folder of checkpoints, newest first. */
export async function olderCheckpoints(checkpoints: string): Promise<{ step: number; file: string }[]> {
  const folder = join(checkpoints, FOLDER);
  return (await readdir(folder).catch(() => []))
    .flatMap((name) => {
      const step = /^step-(\d+)\.safetensors$/.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), file: join(folder, name) }];
    })
    .sort((a, b) => b.step - a.step);
}

/**
 * Gives the checkpoint `last`, which is of `step`, a second name, before a newer one takes the first. Nothing is
 * copied: a hard link costs no space and no time.
 */
export async function keepOlder(checkpoints: string, step: number): Promise<void> {
  const last = join(checkpoints, 'last.safetensors');
  const older = join(checkpoints, FOLDER, nameOf(step));
  const draft = `${older}.tmp`;
  await mkdir(join(checkpoints, FOLDER), { recursive: true });
  await rm(draft, { force: true });
  try {
    await link(last, draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return; // nothing was saved yet
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(code ?? '')) throw error;
    await copyFile(last, draft); // a file system without hard links
  }
  await rename(draft, older);
  await rm(draft, { force: true }); // where both were names of one file, rename leaves both
}

/**
 * Removes all but the newest `keep` older checkpoints, those that are not older than `step`, and what a killed process
 * left of its own.
 */
export async function pruneOlder(checkpoints: string, keep: number, step: number): Promise<void> {
  const folder = join(checkpoints, FOLDER);
  for (const name of await readdir(folder).catch(() => []))
    if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
  const all = await olderCheckpoints(checkpoints);
  const kept = new Set(all.filter((entry) => entry.step < step).slice(0, keep));
  for (const entry of all) if (!kept.has(entry)) await rm(entry.file, { force: true });
}
