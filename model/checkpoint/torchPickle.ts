import { CheckpointError } from './checkpointError.js';
import type { HostDtype } from './hostTensor.js';
import { type PickleHost, readPickle } from './pickle.js';
import { printable } from './printable.js';

/** The flat memory that tensors of a PyTorch file lie in. */
export class TorchStorage {
  constructor(
    readonly dtype: HostDtype,
    readonly key: string,
    /** Elements. */
    readonly length: number,
  ) {}
}

/** A tensor as a window on its storage; offset and strides count elements. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

/** Something that a training script has stored beside the weights and that nobody needs here. */
const ignored = Symbol('ignored');

/** A global of the pickle; a plain symbol-like value that only `call` gives a meaning. */
class Name {
  constructor(readonly text: string) {}
}

const storages: Record<string, HostDtype> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
/** As many axes as PyTorch and NumPy allow. A pickle names a list many times, so that a long one would be read as often. */
const mostAxes = 64;
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= mostAxes && value.every(isCount);

type Call = (args: readonly unknown[], work: Work) => unknown;

/** The only calls that a file can make, each with what it amounts to. None of them is Python's function. */
const calls: Record<string, Call> = {
  'collections.OrderedDict': orderedDict,
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'torch.Size': ([sizes]) => sizes,
};

/** Settings and measures that training scripts store beside the weights. */
const bystanders = new Set([
  'argparse.Namespace',
  'torch.device',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  '_codecs.encode',
]);

/** What calls may still copy. A few bytes can copy a long list again and again; honest files copy what they hold once. */
type Work = { pairs: number };

/**
 * @param seen receives every storage that a tensor lies in, by its key
 * @param work how many pairs may be copied into dictionaries, all in all
 */
const hostWith = (seen: Map<string, TorchStorage>, work: Work): PickleHost => ({
  global(module, name) {
    const text = `${module}.${name}`;
    const known =
      Object.hasOwn(storages, text) ||
      Object.hasOwn(calls, text) ||
      bystanders.has(text) ||
      /^torch\.[a-z]+\d+$/.test(text);
    if (known) return new Name(text);
    throw new CheckpointError(
      `the file asks for ${printable(JSON.stringify(text))}, which weights do not need; nothing of it was run. Expected tensors in ` +
        'dictionaries, as torch.save(model.state_dict(), path) writes them',
    );
  },
  call(callee, args) {
    if (!(callee instanceof Name)) throw new CheckpointError('the file calls something that is no function');
    if (bystanders.has(callee.text)) return ignored;
    const call = Object.hasOwn(calls, callee.text) ? calls[callee.text] : undefined;
    if (!call) throw new CheckpointError(`the file calls ${printable(callee.text)}, which is no function of tensors`);
    return call(args, work);
  },
  persistent(id) {
    const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
    const dtype = type instanceof Name ? storages[type.text] : undefined;
    if (kind !== 'storage' || !dtype || typeof key !== 'string' || !isCount(length)) {
      throw new CheckpointError('expected ("storage", type, key, device, elements) as the id of a tensor\'s memory');
    }
    if (view !== undefined && view !== null)
      throw new CheckpointError(`storage ${printable(key)}: views of storages are not read`);
    const storage = seen.get(key) ?? new TorchStorage(dtype, key, length);
    if (storage.dtype !== dtype || storage.length !== length) {
      throw new CheckpointError(`storage ${printable(key)} is described in two ways`);
    }
    seen.set(key, storage);
    return storage;
  },
});

function orderedDict([pairs = []]: readonly unknown[], work: Work): Map<unknown, unknown> {
  work.pairs -= Array.isArray(pairs) ? pairs.length : 0;
  if (work.pairs < 0) throw new CheckpointError('its dictionaries are made of more pairs than the pickle has bytes');
  const isPair = (pair: unknown): pair is [unknown, unknown] => Array.isArray(pair) && pair.length === 2;
  if (!Array.isArray(pairs) || !pairs.every(isPair)) throw new CheckpointError('expected pairs for an OrderedDict');
  return new Map(pairs);
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor {
  const whole = storage instanceof TorchStorage && isCount(offset) && isCounts(shape) && isCounts(strides);
  if (!whole || shape.length !== strides.length) {
    throw new CheckpointError('expected storage, offset, shape and strides of a tensor');
  }
  return new TorchTensor(storage, offset, shape, strides);
}

/** Reads one pickle of a PyTorch file: dictionaries as Maps, tensors as TorchTensor. Nothing in it is run. */
export function readTorchPickle(
  bytes: Uint8Array,
  start = 0,
): { value: unknown; end: number; storages: ReadonlyMap<string, TorchStorage> } {
  const storages = new Map<string, TorchStorage>();
  return { ...readPickle(bytes, start, hostWith(storages, { pairs: bytes.length - start })), storages };
}
