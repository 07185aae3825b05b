import { readFile } from 'node:fs/promises';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';
import { decodeSafetensors } from './safetensors.js';
import { readTorchArchive } from './torchArchive.js';
import { isTorchLegacyFile, readTorchLegacyFile } from './torchLegacyFile.js';

const zipBeginning = [0x50, 0x4b, 0x03, 0x04];
/** A tape archive carries its mark here; PyTorch wrote such files before version 0.2. */
const tarMark = { offset: 257, text: 'ustar' };

/**
 * Reads the tensors of someone's weight file: safetensors, or a dictionary of tensors saved by PyTorch (`.pt`, `.pth`,
 * `.bin`). The content decides, not the name. Nothing in the file is run.
 *
 * @throws CheckpointError naming the file when it cannot be read or is none of these
 */
export async function readWeightFile(path: string): Promise<Map<string, HostTensor>> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (error) {
    throw new CheckpointError(`cannot read weights ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    if (zipBeginning.every((byte, i) => file[i] === byte)) return await readTorchArchive(file);
    if (isTorchLegacyFile(file)) return readTorchLegacyFile(file);
    const { offset, text } = tarMark;
    if (file.toString('latin1', offset, offset + text.length) === text) {
      throw new CheckpointError('a tape archive, as PyTorch wrote before 0.2; load it with PyTorch and save it again');
    }
    if (file[0] === 0x80) {
      throw new CheckpointError('a plain pickle; expected safetensors or what torch.save writes');
    }
    return decodeSafetensors(file).tensors;
  } catch (error) {
    // A stack or a memory that runs out over a file made for it, wherever no limit of ours was met before.
    if (error instanceof RangeError) {
      throw new CheckpointError(`cannot use weights ${path}: nested too deeply or too large`, { cause: error });
    }
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`cannot use weights ${path}: ${error.message}`, { cause: error });
  }
}
