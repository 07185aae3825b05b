import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { fileDigest } from './fileDigest.js';

const MANIFEST = 'manifest.json';

const ManifestSchema = z.object({
  /** What the folder was made from: versions and checksums of its sources. */
  madeFrom: z.string(),
  files: z.array(z.object({ path: z.string(), size: z.number(), mtimeMs: z.number(), sha256: z.string() })),
});

type Manifest = z.infer<typeof ManifestSchema>;

/** How closely to look: sizes and times of the big files (milliseconds), or every byte of every file (seconds). */
export type Scrutiny = 'quick' | 'full';

/**
 * Writes down what a finished folder holds. A folder without a manifest is not finished.
 * @param digests SHA-256 of each file, by its path inside the folder.
 */
export async function writeManifest(folder: string, madeFrom: string, digests: Map<string, string>): Promise<void> {
  const files: Manifest['files'] = [];
  for (const [path, sha256] of digests) {
    const { size, mtimeMs } = await stat(join(folder, path));
    files.push({ path, size, mtimeMs, sha256 });
  }
  await writeFileAtomic(join(folder, MANIFEST), JSON.stringify({ madeFrom, files } satisfies Manifest));
}

/**
 * What is wrong with a folder that should have been made from `madeFrom`, or undefined if it can be used.
 * A file whose time changed but not its size (a copied cache) is read whole before it is trusted.
 */
export async function faultOf(folder: string, madeFrom: string, scrutiny: Scrutiny): Promise<string | undefined> {
  let manifest: Manifest;
  try {
    manifest = ManifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    return 'it is not there or not finished';
  }
  if (manifest.madeFrom !== madeFrom) return 'it was made from other sources';
  // Headers matter for compiling only and there are 13 000 of them, so a quick look leaves them out.
  const files = scrutiny === 'full' ? manifest.files : manifest.files.filter((f) => !f.path.includes('/include/'));
  for (const file of files) {
    const fault = await faultOfFile(join(folder, file.path), file, scrutiny);
    if (fault) return `${file.path} ${fault}`;
  }
  return undefined;
}

async function faultOfFile(path: string, file: Manifest['files'][number], scrutiny: Scrutiny) {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return 'is missing';
  if (found.size !== file.size) return `has ${found.size} bytes instead of ${file.size}`;
  if (scrutiny === 'quick' && found.mtimeMs === file.mtimeMs) return undefined;
  return (await fileDigest(path)) === file.sha256 ? undefined : 'has another checksum than when it was installed';
}
