import { writeAtomically } from '../model/index.js';
import { UserError } from './userError.js';

/** Writes a file of results, whole or not at all. @throws UserError where it cannot be, as on a full disk */
export async function writeResult(file: string, content: Uint8Array | string): Promise<void> {
  try {
    await writeAtomically(file, content);
  } catch (error) {
    throw new UserError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}
