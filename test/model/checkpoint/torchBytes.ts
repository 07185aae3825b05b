/** Building blocks of PyTorch files, written out by hand so that files can be made that torch.save would not write. */

const text = new TextEncoder();
const uint32 = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];
const uint16 = (value: number) => uint32(value).slice(0, 2);

/** Pieces of a pickle of protocol 2. */
export const pickle = {
  of: (...pieces: number[][]) => Uint8Array.from([0x80, 2, ...pieces.flat(), 0x2e]),
  global: (module: string, name: string) => [0x63, ...text.encode(`${module}\n${name}\n`)],
  string: (value: string) => [0x58, ...uint32(text.encode(value).length), ...text.encode(value)],
  integer: (value: number) => [0x4a, ...uint32(value)],
  none: [0x4e],
  tuple: (...items: number[][]) => [0x28, ...items.flat(), 0x74],
  /** Calls the callable before it with the tuple before this. */
  reduce: [0x52],
  dictionary: (...pairs: [number[], number[]][]) => [0x7d, 0x28, ...pairs.flat(2), 0x75],
  persistent: [0x51],
};

/** A float32 tensor in storage `key` of `length` elements. */
export function torchTensor(
  { key = '0', length = 4, offset = 0, shape = [2, 2], strides = [2, 1], type = 'FloatStorage' } = {} as {
    key?: string;
    length?: number;
    offset?: number;
    shape?: number[];
    strides?: number[];
    type?: string;
  },
): number[] {
  const { global, string, integer, tuple, reduce, none, persistent } = pickle;
  const id = tuple(string('storage'), global('torch', type), string(key), string('cpu'), integer(length));
  const numbers = (values: number[]) => tuple(...values.map(integer));
  const args = tuple([...id, ...persistent], integer(offset), numbers(shape), numbers(strides), [0x89], none);
  return [...global('torch._utils', '_rebuild_tensor_v2'), ...args, ...reduce];
}

/** A zip archive of uncompressed files; `repeat` lists the last of them several times in the directory. */
export function storedZip(files: Record<string, Uint8Array>, repeat = 1): Uint8Array {
  const bytes: number[] = [];
  const directory: number[] = [];
  const names = Object.keys(files);
  const add = (name: string, data: Uint8Array, at: number) => {
    const sizes = [...uint32(0), ...uint32(data.length), ...uint32(data.length)];
    const encoded = [...text.encode(name)];
    directory.push(...[0x50, 0x4b, 1, 2, 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0], ...sizes, ...uint16(encoded.length));
    directory.push(...new Array(12).fill(0), ...uint32(at), ...encoded);
  };
  for (const name of names) {
    const data = files[name]!;
    const at = bytes.length;
    const sizes = [...uint32(0), ...uint32(data.length), ...uint32(data.length)];
    const encoded = [...text.encode(name)];
    bytes.push(...[0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0], ...sizes, ...uint16(encoded.length), 0, 0);
    for (const byte of [...encoded, ...data]) bytes.push(byte);
    add(name, data, at);
    if (name === names.at(-1)) for (let i = 1; i < repeat; i++) add(`${name}${i}`, data, at);
  }
  const count = names.length + repeat - 1;
  const end = [0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...uint16(count), ...uint16(count), ...uint32(directory.length)];
  return Uint8Array.from([...bytes, ...directory, ...end, ...uint32(bytes.length), 0, 0]);
}

/** A file as torch.save writes it: `root` is its pickle, storages by key. */
export const torchArchive = (root: Uint8Array, storages: Record<string, Uint8Array> = {}, repeat = 1) =>
  storedZip(
    {
      'archive/data.pkl': root,
      'archive/byteorder': text.encode('little'),
      ...Object.fromEntries(Object.entries(storages).map(([key, data]) => [`archive/data/${key}`, data])),
    },
    repeat,
  );
