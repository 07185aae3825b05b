import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Entry } from 'yauzl';
import { crc32 } from './crc32.js';
import { inflateInto } from './inflateInto.js';
import { decodeNpy, type NpyArray } from './npyArray.js';
import { NpzError } from './npzError.js';
import { type FilePart, readFully, zipDirectory } from './zipDirectory.js';

export type NpzLimits = {
  /** Largest file that is read at all. */
  maxFileBytes: number;
  /** Largest array, checked against what the archive declares before anything is allocated. */
  maxArrayBytes: number;
  /** All arrays that are read, together. */
  maxTotalBytes: number;
  /** Most arrays in one archive. */
  maxArrays: number;
};

/** 300 frames of 720x720 RGB fit into 512 MiB; a worker thread should never hold more. */
export const DEFAULT_NPZ_LIMITS: NpzLimits = {
  maxFileBytes: 512 * 2 ** 20,
  maxArrayBytes: 512 * 2 ** 20,
  maxTotalBytes: 512 * 2 ** 20,
  maxArrays: 64,
};

export type ReadNpzOptions = {
  /** Read only these arrays; others are skipped, neither read from disk nor decompressed. */
  names?: readonly string[];
  limits?: Partial<NpzLimits>;
  /**
   * Memory for the `.npy` file of an array, at least `length` bytes from an 8-byte boundary; the array then lies in it.
   * For a deflated array also, under the name `compressed <name>`, for what is read from the file.
   * Memory that is used again saves the system from clearing fresh pages, which takes longer than reading them.
   * Default: new memory.
   */
  allocate?: (name: string, length: number) => Uint8Array;
};

const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const LOCAL_HEADER_BYTES = 30;
/** Room past a declared size, by which an array that holds more than it declares is noticed. */
const SPARE_BYTES = 64;

/**
 * The arrays of an `.npz` file, as `np.savez` and `np.savez_compressed` write it, by name. Every array's CRC-32 is
 * verified, since neither inflate nor the npy header notices a flipped bit.
 *
 * @throws NpzError with one sentence for everything that is wrong with the file; file system errors pass through
 */
export async function readNpz(path: string, options: ReadNpzOptions = {}): Promise<Map<string, NpyArray>> {
  const limits = { ...DEFAULT_NPZ_LIMITS, ...options.limits };
  const { allocate = (_, length) => Buffer.allocUnsafeSlow(length) } = options;
  // Opened without waiting, so that a named pipe in the data folder cannot hang a worker.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new NpzError('expected a file but found a folder or device');
    if (stat.size > limits.maxFileBytes)
      throw new NpzError(`the file has ${stat.size} bytes, more than the limit of ${limits.maxFileBytes} bytes`);
    const { entries, end } = await zipDirectory(file, stat.size, limits.maxArrays);
    const archive = { file, size: stat.size, end };
    const arrays = new Map<string, NpyArray>();
    let total = 0;
    for (const entry of entries) {
      const name = entry.fileName.replace(/\.npy$/, '');
      if (options.names && !options.names.includes(name)) continue;
      if (arrays.has(name)) throw new NpzError(`the array '${shortened(name)}' occurs twice`);
      try {
        const most = Math.min(limits.maxArrayBytes, limits.maxTotalBytes - total);
        const array = decodeNpy(
          await extract(archive, entry, most, (length, use) => allocate(use ? `${use} ${name}` : name, length)),
          most,
        );
        total += Math.max(entry.uncompressedSize, array.data.byteLength);
        arrays.set(name, array);
      } catch (error) {
        if (error instanceof NpzError)
          throw new NpzError(`array '${shortened(name)}': ${error.message}`, { cause: error });
        throw error;
      }
    }
    return arrays;
  } finally {
    await file.close();
  }
}

type Archive = { file: FileHandle; size: number; end: FilePart };

/** The uncompressed, verified bytes of one entry. */
async function extract(
  archive: Archive,
  entry: Entry,
  most: number,
  allocate: (length: number, use?: 'compressed') => Uint8Array,
): Promise<Buffer> {
  const { uncompressedSize: size, compressedSize, compressionMethod } = entry;
  if (size > most) throw new NpzError(`the archive declares ${size} bytes, more than the limit of ${most} bytes`);
  if (entry.generalPurposeBitFlag & ENCRYPTED_FLAG) throw new NpzError('encrypted entries are not supported');
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
    throw new NpzError(`expected stored or deflated data but received zip method ${compressionMethod}`);
  const start = await dataStart(archive, entry);
  if (start + compressedSize > archive.size) throw new NpzError('the file is cut off inside the array');
  let body: Buffer;
  if (compressionMethod === STORED) {
    const memory = allocate(compressedSize);
    body = Buffer.from(memory.buffer as ArrayBuffer, memory.byteOffset, compressedSize);
    await readInto(archive, body, start);
  } else {
    const packed = allocate(compressedSize, 'compressed');
    const compressed = Buffer.from(packed.buffer as ArrayBuffer, packed.byteOffset, compressedSize);
    await readInto(archive, compressed, start);
    body = inflate(compressed, size, allocate(size + SPARE_BYTES));
  }
  if (body.length !== size) throw new NpzError(`the archive declares ${size} bytes but holds ${body.length}`);
  if (crc32(body) !== entry.crc32) throw new NpzError('the checksum (CRC-32) does not match: the file is damaged');
  return body;
}

function inflate(compressed: Buffer, size: number, memory: Uint8Array): Buffer {
  try {
    return inflateInto(compressed, memory, size + SPARE_BYTES - 1);
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new NpzError(
      tooLong
        ? `the archive declares ${size} bytes but holds more`
        : `the compressed data is damaged (${(error as Error).message})`,
      { cause: error },
    );
  }
}

/** Where an entry's data begins: behind its local header, whose name and extra field have lengths of their own. */
async function dataStart(archive: Archive, entry: Entry): Promise<number> {
  const at = entry.relativeOffsetOfLocalHeader;
  const header = Buffer.alloc(LOCAL_HEADER_BYTES);
  if (at + header.length <= archive.size) await readInto(archive, header, at);
  if (header.readUInt32LE(0) !== 0x04034b50) throw new NpzError('the archive points to data that is not there');
  return at + header.length + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** Fills `bytes` from a place inside the file; what is in memory already is not read again. */
async function readInto({ file, end }: Archive, bytes: Buffer, position: number): Promise<void> {
  if (position >= end.start) end.bytes.copy(bytes, 0, position - end.start);
  else await readFully(file, bytes, position);
}

/** A name may be as long as the file likes, and the reason stands behind it. */
const shortened = (name: string): string => (name.length > 60 ? `${name.slice(0, 60)}…` : name);
