import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engineError.js';
import { commitFolder } from './commitFolder.js';
import { downloadWheel } from './downloadWheel.js';
import { type NativeVariant, type PinnedWheel, WHEEL_PLATFORM } from './enginePins.js';
import { extractWheel } from './extractWheel.js';
import { faultOf, type Scrutiny, writeManifest } from './manifest.js';

/** A set of pinned wheels, unpacked side by side as pip would, under one name in the cache. */
export type Library = { folder: string; downloads: string; madeFrom: string; wheels: PinnedWheel[] };

/** Room on the disk for a byte of wheel: the wheel itself, what it unpacks to, and some air. */
const ROOM_PER_BYTE = 6;
/** Room where the size of a wheel is not pinned: the CUDA set, unpacked about 5 GB, and its wheels. */
const ROOM_FOR_CUDA = 9e9;

export function libraryOf(variant: NativeVariant, cache: string, wheels: PinnedWheel[]): Library {
  const [main] = wheels as [PinnedWheel];
  return {
    folder: join(cache, `${main.project}-${main.version}-${WHEEL_PLATFORM.os}-${WHEEL_PLATFORM.arch}-glibc-${variant}`),
    downloads: join(cache, 'downloads'),
    madeFrom: wheels.map((w) => `${w.file}:${w.sha256}`).join('\n'),
    wheels,
  };
}

/** Why a library cannot be used as it lies, or undefined. */
export function faultOfLibrary(library: Library, scrutiny: Scrutiny): Promise<string | undefined> {
  return faultOf(library.folder, library.madeFrom, scrutiny);
}

/**
 * Downloads and unpacks a library. The wheels stay in the downloads folder until all of it is in place, so a run that
 * breaks off goes on with them the next time.
 * @throws EngineError if a wheel cannot be had or the disk is too small.
 */
export async function installLibrary(
  library: Library,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  await requireRoom(library);
  const paths: string[] = [];
  for (const wheel of library.wheels) paths.push(await downloadWheel(wheel, library.downloads, env, say));
  say('unpacking the libraries and headers');
  await commitFolder(library.folder, async (partial) => {
    const digests = new Map<string, string>();
    for (const [i, wheel] of library.wheels.entries()) {
      for (const [path, digest] of await extractWheel(paths[i] as string, wheel.take, partial))
        digests.set(path, digest);
    }
    await writeManifest(partial, library.madeFrom, digests);
  });
}

async function requireRoom({ downloads, wheels }: Library): Promise<void> {
  const wheelBytes = wheels.reduce((sum, w) => sum + (w.bytes ?? ROOM_FOR_CUDA / ROOM_PER_BYTE / wheels.length), 0);
  const needed = wheelBytes * ROOM_PER_BYTE;
  await mkdir(downloads, { recursive: true });
  const { bavail, bsize } = await statfs(downloads);
  if (bavail * bsize >= needed) return;
  throw new EngineError(
    `the disk of ${downloads} has ${gigabytes(bavail * bsize)} GB left and the engine needs ${gigabytes(needed)} GB; ` +
      'set STF_CACHE to a folder with more room',
  );
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
