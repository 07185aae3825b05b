import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import { NpzError } from './npzError.js';

/** The end record with its longest comment, and the 64-bit records before it. */
const END_RECORD_BYTES = 0xffff + 22 + 20 + 56;
/** Room for an array's line in the directory: 46 bytes, its name and its extra fields. */
const LINE_BYTES = 1024;

/** A part of a file in memory. */
export type FilePart = { start: number; bytes: Buffer };

/**
 * The entries of a zip archive, and the file's end in which they are listed; a small file's end is all of it.
 *
 * @param size of the file, in bytes
 * @throws NpzError for anything but a zip archive of at most `maxEntries`
 */
export async function zipDirectory(
  file: FileHandle,
  size: number,
  maxEntries: number,
): Promise<{ entries: Entry[]; end: FilePart }> {
  const length = Math.min(size, END_RECORD_BYTES + maxEntries * LINE_BYTES);
  const end = { start: size - length, bytes: Buffer.allocUnsafeSlow(length) };
  await readFully(file, end.bytes, end.start);
  try {
    const zip = await openZip(new EndReader(end), size);
    if (zip.entryCount > maxEntries)
      throw new NpzError(`the archive has ${zip.entryCount} entries, more than the limit of ${maxEntries}`);
    return { entries: await listEntries(zip), end };
  } catch (error) {
    if (error instanceof NpzError) throw error;
    throw new NpzError(`not a readable zip archive: ${lowerFirst((error as Error).message)}`, { cause: error });
  }
}

/** Fills `bytes` from the file. @throws NpzError when the file has become shorter than it was. */
export async function readFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new NpzError('the file shrank while it was read');
    filled += bytesRead;
  }
}

/** Serves yauzl from memory. What it asks for comes out of the file, so any number may arrive here. */
class EndReader extends RandomAccessReader {
  constructor(private readonly end: FilePart) {
    super();
  }

  override read(into: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
    const { start, bytes } = this.end;
    const from = position - start;
    const inside = from >= 0 && from + length <= bytes.length && offset + length <= into.length;
    if (inside) bytes.copy(into, offset, from, from + length);
    const error = inside ? null : new Error('its directory is cut off or not at its end');
    // yauzl reads bytesRead, the second argument, which the type declarations leave out.
    const answer = done as (error: Error | null, bytesRead: number) => void;
    setImmediate(() => answer(error, inside ? length : 0));
  }

  override _readStreamForRange(): Readable {
    throw new Error('entries are read without yauzl');
  }
}

const openZip = (reader: RandomAccessReader, size: number): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    const options = { lazyEntries: true, decodeStrings: true, validateEntrySizes: true, autoClose: false };
    fromRandomAccessReader(reader, size, options, (error, zip) => (error ? reject(error) : resolve(zip)));
  });

const listEntries = (zip: ZipFile): Promise<Entry[]> =>
  new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', reject);
    zip.readEntry();
  });

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
