import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { crc32 } from './crc32.js';
import { decodeNpy, type NpyArray } from './npyArray.js';
import { NpzError } from './npzError.js';

export type NpzLimits = {
  /** Largest file that is read at all. */
  maxFileBytes: number;
  /** Largest array, checked against what the archive declares before anything is allocated. */
  maxArrayBytes: number;
  /** Most arrays in one archive. */
  maxArrays: number;
};

/** 300 frames of 720x720 RGB fit into 512 MiB; a worker thread should never hold more. */
export const DEFAULT_NPZ_LIMITS: NpzLimits = {
  maxFileBytes: 512 * 2 ** 20,
  maxArrayBytes: 512 * 2 ** 20,
  maxArrays: 64,
};

export type ReadNpzOptions = {
  /** Read only these arrays; others are skipped without being decompressed. */
  names?: readonly string[];
  limits?: Partial<NpzLimits>;
};

const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;

/**
 * The arrays of an `.npz` file, as `np.savez` and `np.savez_compressed` write it, by name. Every array's CRC-32 is
 * verified, since neither inflate nor the npy header notices a flipped bit.
 *
 * @throws NpzError with one sentence for everything that is wrong with the file; file system errors pass through
 */
export async function readNpz(path: string, options: ReadNpzOptions = {}): Promise<Map<string, NpyArray>> {
  const limits = { ...DEFAULT_NPZ_LIMITS, ...options.limits };
  const bytes = await readBounded(path, limits.maxFileBytes);
  const arrays = new Map<string, NpyArray>();
  for (const entry of await listEntries(bytes, limits.maxArrays)) {
    const name = entry.fileName.replace(/\.npy$/, '');
    if (options.names && !options.names.includes(name)) continue;
    if (arrays.has(name)) throw new NpzError(`the array '${name}' occurs twice`);
    try {
      arrays.set(name, decodeNpy(extract(bytes, entry, limits.maxArrayBytes)));
    } catch (error) {
      if (error instanceof NpzError) throw new NpzError(`array '${name}': ${error.message}`, { cause: error });
      throw error;
    }
  }
  return arrays;
}

async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  // Opened without waiting, so that a named pipe in the data folder cannot hang a worker.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new NpzError('expected a file but found a folder or device');
    if (stat.size > maxBytes)
      throw new NpzError(`the file has ${stat.size} bytes, more than the limit of ${maxBytes} bytes`);
    const bytes = Buffer.allocUnsafeSlow(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) throw new NpzError(`the file shrank while it was read (${filled} of ${stat.size} bytes)`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

const openZip = promisify<Buffer, { lazyEntries: true; decodeStrings: true; validateEntrySizes: true }, ZipFile>(
  fromBuffer as never,
);

async function listEntries(bytes: Buffer, maxArrays: number): Promise<Entry[]> {
  try {
    const zip = await openZip(bytes, { lazyEntries: true, decodeStrings: true, validateEntrySizes: true });
    if (zip.entryCount > maxArrays)
      throw new NpzError(`the archive has ${zip.entryCount} entries, more than the limit of ${maxArrays}`);
    return await new Promise<Entry[]>((resolve, reject) => {
      const entries: Entry[] = [];
      zip.on('entry', (entry: Entry) => {
        entries.push(entry);
        zip.readEntry();
      });
      zip.on('end', () => resolve(entries));
      zip.on('error', reject);
      zip.readEntry();
    });
  } catch (error) {
    if (error instanceof NpzError) throw error;
    throw new NpzError(`not a readable zip archive: ${lowerFirst((error as Error).message)}`, { cause: error });
  }
}

/** The uncompressed, verified bytes of one entry. */
function extract(bytes: Buffer, entry: Entry, maxArrayBytes: number): Buffer {
  const { uncompressedSize: size, compressedSize, compressionMethod } = entry;
  if (size > maxArrayBytes)
    throw new NpzError(`the archive declares ${size} bytes, more than the limit of ${maxArrayBytes} bytes`);
  if (entry.generalPurposeBitFlag & ENCRYPTED_FLAG) throw new NpzError('encrypted entries are not supported');
  const start = dataStart(bytes, entry);
  if (start + compressedSize > bytes.length) throw new NpzError('the file is cut off inside the array');
  const stored = bytes.subarray(start, start + compressedSize);
  let body: Buffer;
  if (compressionMethod === STORED) {
    // A copy: decoding swaps bytes in place, and the array must not keep the whole archive alive.
    body = Buffer.from(new Uint8Array(stored).buffer);
  } else if (compressionMethod === DEFLATED) {
    body = inflate(stored, size);
  } else {
    throw new NpzError(`expected stored or deflated data but received zip method ${compressionMethod}`);
  }
  if (body.length !== size) throw new NpzError(`the archive declares ${size} bytes but holds ${body.length}`);
  if (crc32(body) !== entry.crc32) throw new NpzError('the checksum (CRC-32) does not match: the file is damaged');
  return body;
}

function inflate(compressed: Buffer, size: number): Buffer {
  // One chunk a little larger than the result: zlib asks for a second one as soon as the first is exactly full.
  const room = Math.max(size + 64, 64);
  try {
    return inflateRawSync(compressed, { chunkSize: room, maxOutputLength: room });
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
function dataStart(bytes: Buffer, entry: Entry): number {
  const header = entry.relativeOffsetOfLocalHeader;
  if (header + 30 > bytes.length || bytes.readUInt32LE(header) !== 0x04034b50)
    throw new NpzError('the archive points to data that is not there');
  return header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
