import { float16ToFloat32 } from 'npyjs';
import { NpzError } from './npzError.js';

export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** An array as NumPy names it. `data` is in C order and the machine's byte order, whatever the file had. */
export type NpyArray = { dtype: NpyDtype; shape: number[]; data: NpyData };

export type NpyDtype = keyof typeof KINDS;

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length: number) => NpyData;

/** float16 has no typed array before Node 24 and is widened; bool is one byte, 0 or 1. */
const KINDS = {
  bool: { code: 'b1', bytes: 1, View: Uint8Array },
  uint8: { code: 'u1', bytes: 1, View: Uint8Array },
  int8: { code: 'i1', bytes: 1, View: Int8Array },
  uint16: { code: 'u2', bytes: 2, View: Uint16Array },
  int16: { code: 'i2', bytes: 2, View: Int16Array },
  uint32: { code: 'u4', bytes: 4, View: Uint32Array },
  int32: { code: 'i4', bytes: 4, View: Int32Array },
  uint64: { code: 'u8', bytes: 8, View: BigUint64Array },
  int64: { code: 'i8', bytes: 8, View: BigInt64Array },
  float16: { code: 'f2', bytes: 2, View: Uint16Array },
  float32: { code: 'f4', bytes: 4, View: Float32Array },
  float64: { code: 'f8', bytes: 8, View: Float64Array },
} as const satisfies Record<string, { code: string; bytes: number; View: ViewConstructor }>;

/** NumPy's own bound; a longer header describes a structured array. */
const MOST_HEADER_BYTES = 0xffff;
/** NumPy's own bound on the number of axes. */
const MOST_AXES = 64;

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * One `.npy` file (NumPy Enhancement Proposal 1, versions 1 to 3) as an array. The header is read here and not by
 * npyjs, which forgets the byte order and takes whatever follows the header, however long, for data.
 *
 * @param bytes the whole file; the result may share its memory, and big-endian data is swapped in it
 * @param maxBytes bound on the array, which float16, widened, might not keep
 * @throws NpzError for object arrays, structured or unknown dtypes and data of another length than the shape says
 */
export function decodeNpy(bytes: Buffer, maxBytes = Number.POSITIVE_INFINITY): NpyArray {
  const header = readHeader(bytes);
  const { dtype, swap } = parseDescr(header.text);
  const shape = parseShape(header.text);
  const fortranOrder = capture(header.text, /'fortran_order'\s*:\s*(True|False)/, 'fortran_order') === 'True';
  const { bytes: itemBytes, View } = KINDS[dtype];
  const count = shape.reduce((product, extent) => product * extent, 1);
  const available = bytes.length - header.end;
  if (count * itemBytes !== available)
    throw new NpzError(
      `expected ${count * itemBytes} bytes for ${dtype} [${shape.join(', ')}] but the array has ${available}`,
    );

  const widened = dtype === 'float16' ? 4 * count : 0;
  if (widened > maxBytes)
    throw new NpzError(`as float32 the array has ${widened} bytes, more than the limit of ${maxBytes} bytes`);

  let body = bytes.subarray(header.end) as Buffer<ArrayBuffer>;
  if (swap && itemBytes > 1) {
    if (itemBytes === 2) body.swap16();
    else if (itemBytes === 4) body.swap32();
    else body.swap64();
  }
  if (body.byteOffset % itemBytes !== 0) body = Buffer.from(new Uint8Array(body).buffer);
  let data: NpyData = new View(body.buffer, body.byteOffset, count);
  if (dtype === 'float16') data = Float32Array.from(data as Uint16Array, float16ToFloat32);
  if (fortranOrder && shape.length > 1) data = toRowMajor(data, shape);
  return { dtype, shape, data };
}

function readHeader(bytes: Buffer): { text: string; end: number } {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY')
    throw new NpzError('expected a .npy array but its first bytes are not the NumPy magic');
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw new NpzError(`expected .npy version 1, 2 or 3 but received version ${major}`);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw new NpzError('the .npy header is cut off');
  const length = major === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  if (length > MOST_HEADER_BYTES) throw new NpzError(`the .npy header has ${length} bytes, which none needs`);
  const end = start + length;
  if (end > bytes.length) throw new NpzError('the .npy header is cut off');
  return { text: bytes.toString(major === 3 ? 'utf8' : 'latin1', start, end), end };
}

function capture(header: string, pattern: RegExp, field: string): string {
  const found = pattern.exec(header)?.[1];
  if (found === undefined) throw new NpzError(`the .npy header has no readable '${field}'`);
  return found;
}

function parseDescr(header: string): { dtype: NpyDtype; swap: boolean } {
  if (/'descr'\s*:\s*\[/.test(header)) throw new NpzError('structured arrays are not supported');
  const descr = capture(header, /'descr'\s*:\s*'([^']*)'/, 'descr');
  if (descr.includes('O')) throw new NpzError('object arrays hold pickled Python code and are refused');
  for (const [dtype, { code }] of Object.entries(KINDS))
    if (descr.slice(1) === code && '<>|='.includes(descr[0]!))
      return { dtype: dtype as NpyDtype, swap: descr[0] === (HOST_IS_LITTLE ? '>' : '<') };
  throw new NpzError(`expected a boolean, integer or real dtype but received '${descr}'`);
}

function parseShape(header: string): number[] {
  const inside = capture(header, /'shape'\s*:\s*\(([\d\s,]*)\)/, 'shape');
  const shape = inside
    .split(',')
    .map((extent) => extent.trim())
    .filter((extent) => extent !== '')
    .map(Number);
  if (shape.length > MOST_AXES) throw new NpzError(`expected at most ${MOST_AXES} axes but received ${shape.length}`);
  if (shape.some(Number.isNaN)) throw new NpzError(`the shape (${inside}) is not readable`);
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(shape.reduce((a, b) => a * b, 1)))
    throw new NpzError(`the shape (${inside}) is too large`);
  return shape;
}

/** Column-major to row-major; walks the output in order and keeps the matching column-major position. */
function toRowMajor(data: NpyData, shape: readonly number[]): NpyData {
  const out = data.slice();
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let axis = 1; axis < rank; axis++) strides[axis] = strides[axis - 1]! * shape[axis - 1]!;
  const place = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}
