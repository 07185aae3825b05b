import { CheckpointError } from './checkpointError.js';
import { bytesOf, elementCount, type HostTensor, viewAs } from './hostTensor.js';
import { printable } from './printable.js';
import { TorchTensor } from './torchPickle.js';
import { valueText } from './valueText.js';

/** Where training scripts put the weights among other things, averaged ones first, as timm prefers them. */
const containers = ['state_dict_ema', 'model_ema', 'state_dict', 'model', 'module'];

/** Weights named twice (tied) may make the tensors somewhat larger than the file, but not many times. */
const largestGrowth = 2;

/**
 * The named tensors of what a PyTorch file holds: the dictionary itself or the one inside it that holds weights.
 *
 * @throws CheckpointError when there are none
 */
export function stateDictOf(root: unknown): Map<string, TorchTensor> {
  const found = tensorsOf(root);
  if (found.size > 0) return found;
  for (const key of containers) {
    const inner = root instanceof Map ? tensorsOf(root.get(key)) : new Map();
    if (inner.size > 0) return inner;
  }
  const keyText = (key: unknown) => (typeof key === 'string' ? printable(key) : valueText(key));
  const keys =
    root instanceof Map
      ? `a dictionary with ${[...root.keys()].slice(0, 8).map(keyText).join(', ') || 'nothing'}`
      : 'no dictionary';
  throw new CheckpointError(`expected a dictionary of tensors, also inside ${containers.join(', ')}, received ${keys}`);
}

function tensorsOf(value: unknown): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  if (!(value instanceof Map)) return tensors;
  for (const [name, entry] of value) {
    if (typeof name === 'string' && entry instanceof TorchTensor) tensors.set(name, entry);
  }
  return tensors;
}

/**
 * Copies tensors out of their storages.
 *
 * @param storageOf the bytes of a storage, little-endian
 * @param fileBytes size of the file, against tensors that are said to be far larger than what is there
 * @throws CheckpointError naming the tensor when it does not lie within its storage
 */
export function copyTensors(
  tensors: ReadonlyMap<string, TorchTensor>,
  storageOf: (key: string) => Uint8Array | undefined,
  fileBytes: number,
): Map<string, HostTensor> {
  const copies = new Map<string, HostTensor>();
  let total = 0;
  for (const [name, tensor] of tensors) {
    const { storage, offset, shape, strides } = tensor;
    const [shown, key] = [printable(name), printable(storage.key)];
    const size = bytesOf(storage.dtype);
    const count = elementCount(shape);
    const bytes = storageOf(storage.key);
    if (!bytes) throw new CheckpointError(`${shown}: its data (storage ${key}) are not in the file`);
    if (bytes.length !== storage.length * size) {
      throw new CheckpointError(
        `${shown}: expected ${storage.length * size} bytes in storage ${key}, received ${bytes.length}`,
      );
    }
    const last = offset + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 0);
    if (count > storage.length || (count > 0 && last >= storage.length)) {
      throw new CheckpointError(
        `${shown}: shape ${valueText(shape)}, strides ${valueText(strides)} and offset ${offset} reach beyond the ${storage.length} ` +
          `elements of its storage`,
      );
    }
    total += count * size;
    if (total > largestGrowth * fileBytes) {
      throw new CheckpointError(`${shown}: the tensors up to here are larger than ${largestGrowth} times the file`);
    }
    copies.set(name, contiguous(tensor, bytes, count));
  }
  return copies;
}

/** Row-major, whatever the order in the file. */
function contiguous({ storage, offset, shape, strides }: TorchTensor, bytes: Uint8Array, count: number): HostTensor {
  const size = bytesOf(storage.dtype);
  const copy = new Uint8Array(count * size);
  const view = () => ({ dtype: storage.dtype, shape, data: viewAs(storage.dtype, copy.buffer, 0, count) });
  if (isRowMajor(shape, strides)) {
    copy.set(bytes.subarray(offset * size, (offset + count) * size));
    return view();
  }
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < size; b++) copy[i * size + b] = bytes[from * size + b]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return view();
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}
