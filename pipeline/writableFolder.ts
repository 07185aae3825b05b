import { access, constants, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from './userError.js';

/**
 * The folder that results go to, made and writable: known before hours of work and not after.
 * @returns its full path, and whether it was made now
 * @throws UserError when it cannot be written to
 */
export async function writableFolder(given: string): Promise<{ path: string; isNew: boolean }> {
  const path = resolve(given);
  try {
    const made = await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
    return { path, isNew: made !== undefined };
  } catch (error) {
    throw new UserError(`--out: cannot write to ${path}: ${(error as Error).message}`);
  }
}
