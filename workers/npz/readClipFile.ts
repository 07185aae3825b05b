import type { ClipSource } from '../synthesis/recipe.js';
import { SampleError } from '../synthesis/sampleError.js';
import type { NpyArray } from './npyArray.js';
import { NpzError } from './npzError.js';
import { type ReadNpzOptions, readNpz } from './readNpz.js';

/**
 * Reads named arrays of one of a clip's two files.
 *
 * @throws SampleError (stage `read`) that says which file and what about it
 */
export async function readClipFile(
  source: ClipSource,
  what: 'crops' | 'landmarks',
  options: ReadNpzOptions,
): Promise<Map<string, NpyArray>> {
  const path = source[what];
  try {
    return await readNpz(path, options);
  } catch (error) {
    if (error instanceof NpzError) return refuseClip(source, `${what} file ${path}: ${error.message}`, error);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return refuseClip(source, `${what} file ${path} does not exist`, error);
    if (code === undefined) throw error;
    return refuseClip(source, `${what} file ${path} cannot be read (${message})`, error);
  }
}

export function refuseClip(source: Pick<ClipSource, 'id'>, reason: string, cause?: unknown): never {
  throw new SampleError(source.id, 'read', reason, { cause });
}

export const describeArray = (array: NpyArray): string => `${array.dtype} [${array.shape.join(', ')}]`;
