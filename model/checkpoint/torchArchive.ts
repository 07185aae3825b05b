import { promisify } from 'node:util';
import * as yauzl from 'yauzl';
import { zipEntries } from '../engine/install/zipEntries.js';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';
import { printable } from './printable.js';
import { copyTensors, stateDictOf } from './stateDict.js';
import { readTorchPickle } from './torchPickle.js';

const fromBuffer = promisify<Buffer, yauzl.Options, yauzl.ZipFile>(yauzl.fromBuffer);
const stored = 0;

/**
 * Reads the weights of a file that torch.save has written since PyTorch 1.6: a zip archive with `data.pkl` and the
 * storages under `data/`.
 *
 * @throws CheckpointError when the archive is damaged, compressed, a TorchScript program, or holds no weights
 */
export async function readTorchArchive(file: Buffer): Promise<Map<string, HostTensor>> {
  const parts = await storedParts(file);
  const pickles = [...parts.keys()].filter((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickles.length !== 1) {
    throw new CheckpointError(`expected one data.pkl in the archive, received ${pickles.length}: not PyTorch's format`);
  }
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  if ([...parts.keys()].some((name) => name.startsWith(`${root}code/`))) {
    throw new CheckpointError('the archive is a TorchScript program; expected the weights alone (state_dict)');
  }
  const order = parts.get(`${root}byteorder`);
  if (order && Buffer.from(order).toString('latin1').trim() === 'big') {
    throw new CheckpointError('the file was written on a big-endian machine, which is not read');
  }
  const { value } = readTorchPickle(parts.get(pickles[0]!)!);
  return copyTensors(stateDictOf(value), (key) => parts.get(`${root}data/${key}`), file.length);
}

/**
 * The files of the archive. PyTorch stores them uncompressed, so anything compressed is refused: what comes out of the
 * archive is then never larger than the archive.
 */
async function storedParts(file: Buffer): Promise<Map<string, Uint8Array>> {
  const parts = new Map<string, Uint8Array>();
  let total = 0;
  try {
    const archive = await fromBuffer(file, { lazyEntries: true });
    const open = promisify<yauzl.Entry, NodeJS.ReadableStream>(archive.openReadStream.bind(archive));
    for await (const entry of zipEntries(archive)) {
      const { fileName: name, compressionMethod, uncompressedSize } = entry;
      if (name.endsWith('/')) continue;
      if (compressionMethod !== stored || entry.isEncrypted()) {
        throw new CheckpointError(
          `${printable(name)} is compressed or encrypted, which PyTorch never does: expected plain data`,
        );
      }
      if (parts.has(name)) throw new CheckpointError(`${printable(name)} is in the archive twice`);
      total += uncompressedSize;
      if (total > file.length) throw new CheckpointError(`${printable(name)} overlaps other files of the archive`);
      const chunks: Buffer[] = [];
      for await (const chunk of await open(entry)) chunks.push(chunk as Buffer);
      parts.set(name, Buffer.concat(chunks));
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`expected a whole zip archive: ${printable((error as Error).message)}`, { cause: error });
  }
  return parts;
}
