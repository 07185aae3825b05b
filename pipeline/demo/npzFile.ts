import { zipSync } from 'fflate';

/** An array as NumPy stores it: C order, this machine's (little-endian) bytes. */
export type NpzEntry = { readonly shape: readonly number[]; readonly data: Uint8Array | Float32Array | Int32Array };

/** Zip keeps times in whole local seconds from 1980 on; the first makes equal arrays give equal files. */
const NO_TIME = new Date(1980, 0, 1);

/**
 * An `.npz` archive as `numpy.savez` writes it: each array a stored `.npy` file (NumPy Enhancement Proposal 1, version
 * 1.0). Not deflated: camera noise hardly shrinks, and reading is faster.
 *
 * @throws RangeError when an array's length is not the product of its shape
 */
export function encodeNpz(arrays: Readonly<Record<string, NpzEntry>>): Uint8Array {
  const files = Object.entries(arrays).map(([name, entry]) => [`${name}.npy`, encodeNpy(name, entry)] as const);
  return zipSync(Object.fromEntries(files), { level: 0, mtime: NO_TIME });
}

function encodeNpy(name: string, { shape, data }: NpzEntry): Uint8Array {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count !== data.length)
    throw new RangeError(`Expected ${count} values for ${name} [${shape.join(', ')}] but received ${data.length}`);
  const descr = data instanceof Uint8Array ? '|u1' : data instanceof Float32Array ? '<f4' : '<i4';
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${extents}), }`;
  // Magic, version, length and text together fill a multiple of 64 bytes, the last of them a line feed.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return bytes;
}
