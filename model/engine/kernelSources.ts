import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the C++ sources of our own operations lie: beside the TypeScript, which may have been compiled to dist/. */
export function kernelFolder(): string {
  const folders = ['../kernels/', '../../../model/kernels/'];
  const found = folders.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return found.find((folder) => existsSync(join(folder, 'operations.cc'))) ?? found[0]!;
}

/** SHA-256 of all sources in a folder. */
export function kernelDigest(folder: string = kernelFolder()): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name));
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}
