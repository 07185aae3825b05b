import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';

/**
 * Replaces the content of an existing file so that it is at every moment either the old or the whole new one: temporary file
 * beside it, fsync, rename. Leaves nothing behind when it fails.
 *
 * Not write-file-atomic 7, which asks for one `write` and does not look at how much was taken: on a nearly full disk a
 * truncated file would replace the good one.
 *
 * @throws the system's error.
 */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const { mode } = await stat(path);
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.chmod(mode); // past the umask
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
