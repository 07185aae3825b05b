import { CheckpointError } from './checkpointError.js';
import { bytesOf, elementCount, type HostDtype, type HostTensor, isHostDtype, viewAs } from './hostTensor.js';
import { printable } from './printable.js';
import { valueText } from './valueText.js';

/**
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes little-endian header length, a JSON
 * header that names dtype, shape and byte range of every tensor, then the raw little-endian tensors without gaps.
 */

/** The format's own limit, against headers that are made to exhaust memory. */
const maxHeaderBytes = 100_000_000;
/** Tensors begin at multiples of this many bytes, as the reference writer arranges it. */
const alignment = 8;

type Entry = { dtype: HostDtype; shape: number[]; data_offsets: [number, number] };

/**
 * The bytes of a safetensors file with `tensors` in their order and `metadata` in the header.
 * Throws CheckpointError when a tensor's data does not fit its shape.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.create(null); // so that __proto__ is a name like any other
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  // Wide elements first, so that every tensor is aligned for its own type without gaps between them.
  const entries = [...tensors].sort(([, a], [, b]) => bytesOf(b.dtype) - bytesOf(a.dtype));
  let length = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === '__metadata__') throw new CheckpointError('expected a tensor name, received "__metadata__"');
    const bytes = elementCount(shape) * bytesOf(dtype);
    if (data.byteLength !== bytes) {
      throw new CheckpointError(
        `${name}: expected ${bytes} bytes for ${dtype} [${shape}], received ${data.byteLength} bytes`,
      );
    }
    header[name] = { dtype, shape, data_offsets: [length, length + bytes] } satisfies Entry;
    length += bytes;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / alignment) * alignment;
  const file = new Uint8Array(8 + padded + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + padded); // the format asks for spaces
  let at = 8 + padded;
  for (const [, { data }] of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw new CheckpointError(`expected at least 8 bytes, received ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes) || 8n + length > BigInt(bytes.length)) {
    throw new CheckpointError(
      `expected a header of at most ${Math.min(maxHeaderBytes, bytes.length - 8)} bytes at offset 8, but its length is given as ${length}`,
    );
  }
  const start = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    throw new CheckpointError(`expected a JSON header at offset 8: ${printable((error as Error).message)}`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new CheckpointError('expected a JSON object as header at offset 8');
  }
  return { header: header as Record<string, unknown>, start };
}

function readEntry(name: string, value: unknown, available: number): Entry {
  const shown = printable(name);
  const { dtype, shape, data_offsets: range } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  if (!isHostDtype(dtype)) throw new CheckpointError(`${shown}: unknown dtype ${valueText(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new CheckpointError(`${shown}: expected a shape of whole numbers, received ${valueText(shape)}`);
  }
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1]) {
    throw new CheckpointError(`${shown}: expected data_offsets [begin, end], received ${valueText(range)}`);
  }
  const [begin, end] = range as [number, number];
  if (end > available) {
    throw new CheckpointError(`${shown}: data_offsets [${begin}, ${end}] end behind the ${available} bytes of data`);
  }
  const expected = elementCount(shape) * bytesOf(dtype);
  if (end - begin !== expected) {
    throw new CheckpointError(
      `${shown}: expected ${expected} bytes for ${dtype} ${valueText(shape)}, but data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  }
  return { dtype, shape, data_offsets: [begin, end] };
}

/** The format forbids overlaps and gaps: either is a sign of damage or of data smuggled past a reader. */
function checkLayout(entries: [string, Entry][], available: number) {
  const ordered = entries
    .map(([name, { data_offsets }]) => ({ name, begin: data_offsets[0], end: data_offsets[1] }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  let previous = 'the header';
  for (const { name, begin, end } of ordered) {
    if (begin < at) throw new CheckpointError(`${printable(name)}: its data at ${begin} overlap those of ${previous}`);
    if (begin > at)
      throw new CheckpointError(
        `${printable(name)}: ${begin - at} bytes at ${at}, after ${previous}, belong to nothing`,
      );
    [at, previous] = [end, printable(name)];
  }
  if (at !== available) {
    throw new CheckpointError(`expected data of ${at} bytes after the header, received ${available}`);
  }
}

/**
 * Reads a safetensors file. Tensors are copies, so `bytes` may be let go of.
 * Throws CheckpointError naming the tensor and offset when anything does not fit.
 */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, HostTensor>;
  metadata: Record<string, string>;
} {
  const { header, start } = readHeader(bytes);
  const { __metadata__: metadata = {}, ...rest } = header;
  if (typeof metadata !== 'object' || metadata === null || Object.values(metadata).some((v) => typeof v !== 'string')) {
    throw new CheckpointError('__metadata__: expected an object of strings');
  }
  const available = bytes.length - start;
  const entries = Object.entries(rest).map(([name, value]): [string, Entry] => [
    name,
    readEntry(name, value, available),
  ]);
  checkLayout(entries, available);
  const tensors = new Map<string, HostTensor>();
  for (const [name, { dtype, shape, data_offsets }] of entries) {
    const copy = bytes.slice(start + data_offsets[0], start + data_offsets[1]);
    tensors.set(name, { dtype, shape, data: viewAs(dtype, copy.buffer, copy.byteOffset, elementCount(shape)) });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
