import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Moves every file below `from` that differs from the one at the same place below `to` there, by a rename: who reads
 * `to` meanwhile sees the old file or the new one, never half of it. Files that are the same are not touched, and
 * neither are those that `from` does not have. Both folders must be on one file system.
 */
export function replaceChanged(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [made, placed] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) replaceChanged(made, placed);
    else if (!isSame(made, placed)) {
      mkdirSync(dirname(placed), { recursive: true });
      renameSync(made, placed);
    }
  }
}

function isSame(made, placed) {
  try {
    return readFileSync(made).equals(readFileSync(placed));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}
