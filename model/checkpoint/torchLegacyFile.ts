import { CheckpointError } from './checkpointError.js';
import { bytesOf, type HostTensor } from './hostTensor.js';
import { printable } from './printable.js';
import { copyTensors, stateDictOf } from './stateDict.js';
import { readTorchPickle, type TorchStorage } from './torchPickle.js';
import { valueText } from './valueText.js';

/** What the first of the file's pickles says. */
const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;
/** How a file with that number begins: protocol 2, an integer of ten bytes. */
const beginning = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20];

export const isTorchLegacyFile = (file: Uint8Array): boolean => beginning.every((byte, i) => file[i] === byte);

/**
 * Reads the weights of a file that torch.save wrote before PyTorch 1.6: five pickles (magic number, version, machine,
 * the data, the keys of the storages), then each storage with its length before it.
 *
 * @throws CheckpointError when it is damaged or holds no weights
 */
export function readTorchLegacyFile(file: Uint8Array): Map<string, HostTensor> {
  let at = 0;
  const next = () => {
    const read = readTorchPickle(file, at);
    at = read.end;
    return read;
  };
  const [magic, version, machine] = [next().value, next().value, next().value];
  if (magic !== magicNumber || version !== protocolVersion) {
    throw new CheckpointError(`expected PyTorch's format ${protocolVersion}, received ${valueText(version)}`);
  }
  if (machine instanceof Map && machine.get('little_endian') === false) {
    throw new CheckpointError('the file was written on a big-endian machine, which is not read');
  }
  const { value, storages } = next();
  const tensors = stateDictOf(value);
  const keys = next().value;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw new CheckpointError(`offset ${at}: expected the keys of the storages`);
  }
  const located = locateStorages(file, at, keys, storages);
  return copyTensors(tensors, (key) => located.get(key), file.length);
}

/** Storages follow one another; the size of their elements is known from the tensors that lie in them. */
function locateStorages(
  file: Uint8Array,
  start: number,
  keys: readonly string[],
  known: ReadonlyMap<string, TorchStorage>,
): Map<string, Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const located = new Map<string, Uint8Array>();
  let at = start;
  for (const key of keys) {
    const storage = known.get(key);
    if (!storage)
      throw new CheckpointError(`storage ${printable(key)} belongs to no tensor: what follows cannot be found`);
    if (at + 8 > file.length) throw new CheckpointError(`the file ends before storage ${printable(key)}`);
    const length = view.getBigUint64(at, true);
    const end = BigInt(at) + 8n + length * BigInt(bytesOf(storage.dtype));
    if (end > BigInt(file.length)) {
      throw new CheckpointError(
        `storage ${printable(key)} is said to have ${length} elements, but the file ends before that`,
      );
    }
    located.set(key, file.subarray(at + 8, Number(end)));
    at = Number(end);
  }
  return located;
}
