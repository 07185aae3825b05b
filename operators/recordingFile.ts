import { webcrypto } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { Packr, Unpackr } from 'msgpackr';
import { diskReason } from './diskReason.js';
import { assertPlainData } from './plainData.js';
import { plainMessagePackFault } from './plainMessagePack.js';
import { RecordingError } from './recordingError.js';

/*
 * A recording is one MessagePack value, which any MessagePack library reads:
 *
 *   [ "recorded-batch", version, bin preamble, bin SHA-256 of the preamble, [ bin part, … ] ]
 *
 * and the preamble is itself MessagePack: { header, parts: [{ name, bytes, sha256 }] }. Lengths have always the same
 * width, so the place of every byte follows from the preamble, parts are written and read without being copied, and
 * a damaged file can be refused with the offset.
 */

/** A named block of bytes. */
export type RecordedPart = {
  name: string;
  bytes: Uint8Array;
  /** Hex SHA-256 of `bytes`. */
  sha256: string;
};
/** What a recording holds: plain data (what JSON can hold, and bytes), and blocks of bytes. */
export type Recording = { header: Record<string, unknown>; parts: RecordedPart[] };
/** As `Recording`, to be written: digests that are not known yet are computed. */
export type RecordingDraft = {
  header: Record<string, unknown>;
  parts: readonly (Omit<RecordedPart, 'sha256'> & { sha256?: string })[];
};

/** Bounds on what is read, checked before anything is allocated. */
export type RecordingLimits = {
  /** Bytes of a file. Default 4 GiB. */
  maxBytes: number;
  /** Bytes of the preamble. Default 16 MiB. */
  maxPreambleBytes: number;
};

export const DEFAULT_RECORDING_LIMITS: RecordingLimits = { maxBytes: 4 * 2 ** 30, maxPreambleBytes: 16 * 2 ** 20 };

/** Random access to the bytes of a recording. `read` is asked for ranges that lie within `size` only. */
export type ByteSource = { size: number; read(position: number, length: number): Promise<Uint8Array> };

const VERSION = 1;
const MAGIC = 'recorded-batch';
const HEAD = Buffer.concat([Buffer.from([0x95, 0xa0 + MAGIC.length]), Buffer.from(MAGIC)]);
const BIN32 = 0xc6;
const SIZED = 5; // a bin32's marker and length
const DIGEST_HEAD = Buffer.from([0xc4, 32]);
const ARRAY16 = 0xdc;
const MAX_PARTS = 0xffff;
const MAX_PART_BYTES = 0xffffffff;
const PREAMBLE_AT = HEAD.length + 1;
const IMMUTABLE = { useRecords: false, moreTypes: false } as const; // plain MessagePack, no extension of msgpackr's

/**
 * The bytes of a recording, in chunks that are to be written one after the other. Parts are not copied.
 *
 * @throws TypeError if the header is not plain data; RangeError for more or larger parts than MessagePack can say.
 */
export async function encodeRecording({
  header,
  parts,
}: RecordingDraft): Promise<{ chunks: Uint8Array[]; bytes: number }> {
  if (parts.length > MAX_PARTS)
    throw new RangeError(`Expected at most ${MAX_PARTS} parts but received ${parts.length}`);
  assertPlainData(header, 'header');
  const described = [];
  for (const { name, bytes, sha256 } of parts) {
    if (bytes.byteLength > MAX_PART_BYTES)
      throw new RangeError(
        `Expected at most ${MAX_PART_BYTES} bytes for part "${name}" but received ${bytes.byteLength}`,
      );
    const digest = sha256 === undefined ? await digestOf(bytes) : Buffer.from(sha256, 'hex');
    if (digest.length !== 32)
      throw new TypeError(`Expected 64 hexadecimal digits for sha256 of part "${name}" but received ${sha256}`);
    described.push({ name, bytes: bytes.byteLength, sha256: digest });
  }
  const preamble = new Packr(IMMUTABLE).pack({ header, parts: described });
  const front = Buffer.concat([
    HEAD,
    Buffer.from([VERSION]),
    sizedHead(preamble.length),
    preamble,
    DIGEST_HEAD,
    await digestOf(preamble),
    Buffer.from([ARRAY16, parts.length >> 8, parts.length & 0xff]),
  ]);
  const chunks: Uint8Array[] = [front];
  for (const { bytes } of parts) chunks.push(sizedHead(bytes.byteLength), bytes);
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0) };
}

/**
 * Reads a recording and checks every byte of it. Nothing is allocated that the source does not really hold, and each part
 * gets memory of its own, which can be moved to another thread.
 *
 * @param file its name, for the message
 * @throws RecordingError
 */
export async function decodeRecording(
  source: ByteSource,
  file: string,
  limits: Partial<RecordingLimits> = {},
): Promise<Recording> {
  const { maxBytes, maxPreambleBytes } = { ...DEFAULT_RECORDING_LIMITS, ...limits };
  const refuse = (offset: number, expected: string, found: string): never => {
    throw new RecordingError(file, offset, expected, found);
  };
  const take = async (offset: number, length: number, what: string): Promise<Buffer> => {
    if (offset + length > source.size)
      refuse(source.size, `${offset + length - source.size} more bytes of ${what}`, 'the end of the file');
    const bytes = await source.read(offset, length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  /** The length that a bin32 at `offset` declares. */
  const sizeAt = async (offset: number, what: string): Promise<number> => {
    const head = await take(offset, SIZED, what);
    if (head[0] !== BIN32) refuse(offset, `${what}, marked 0xc6`, `0x${head.toString('hex', 0, 1)}`);
    return head.readUInt32BE(1);
  };

  if (source.size > maxBytes) refuse(0, `a file of at most ${maxBytes} bytes`, `one of ${source.size}`);
  const head = await take(0, Math.min(PREAMBLE_AT, source.size), 'the head');
  const strange = HEAD.findIndex((byte, at) => at < head.length && head[at] !== byte);
  if (strange >= 0) refuse(strange, `a recording, beginning with "${MAGIC}"`, `${quoted(head)}`);
  if (head.length < PREAMBLE_AT) await take(0, PREAMBLE_AT, 'the head');
  const version = head[HEAD.length]!;
  if (version !== VERSION) refuse(HEAD.length, `format version ${VERSION}`, `version ${version}`);

  const preambleBytes = await sizeAt(PREAMBLE_AT, 'the preamble');
  const preambleAt = PREAMBLE_AT + SIZED;
  if (preambleBytes > maxPreambleBytes)
    refuse(PREAMBLE_AT + 1, `a preamble of at most ${maxPreambleBytes} bytes`, `one of ${preambleBytes}`);
  const preamble = await take(preambleAt, preambleBytes, 'the preamble');
  const digestAt = preambleAt + preambleBytes;
  const digest = await take(digestAt, DIGEST_HEAD.length + 32, "the preamble's digest");
  if (!digest.subarray(0, DIGEST_HEAD.length).equals(DIGEST_HEAD))
    refuse(digestAt, 'a digest of 32 bytes, marked 0xc420', `0x${digest.toString('hex', 0, 2)}`);
  const stated = digest.subarray(DIGEST_HEAD.length);
  const actual = await digestOf(preamble);
  if (!actual.equals(stated))
    refuse(preambleAt, `a preamble with SHA-256 ${short(stated)}`, `one with ${short(actual)}`);
  const { header, parts } = decodePreamble(preamble, (at, expected, found) => refuse(preambleAt + at, expected, found));

  const countAt = digestAt + digest.length;
  const count = await take(countAt, 3, 'the number of parts');
  if (count[0] !== ARRAY16 || count.readUInt16BE(1) !== parts.length)
    refuse(countAt, `a list of ${parts.length} parts`, `0x${count.toString('hex')}`);
  const firstAt = countAt + count.length;
  const end = parts.reduce((sum, { bytes }) => sum + SIZED + bytes, firstAt);
  if (end > source.size) refuse(source.size, `${end - source.size} more bytes (${end} in all)`, 'the end of the file');
  if (end < source.size) refuse(end, 'the end of the file', `${source.size - end} more bytes`);

  const recorded: RecordedPart[] = [];
  let at = firstAt;
  for (const { name, bytes: declared, sha256 } of parts) {
    const size = await sizeAt(at, `part "${name}"`);
    if (size !== declared) refuse(at + 1, `${declared} bytes in part "${name}"`, `${size}`);
    const bytes = await take(at + SIZED, size, `part "${name}"`);
    const actual = await digestOf(bytes);
    if (!actual.equals(sha256))
      refuse(at + SIZED, `part "${name}" with SHA-256 ${short(sha256)}`, `one with ${short(actual)}`);
    recorded.push({ name, bytes, sha256: actual.toString('hex') });
    at += SIZED + size;
  }
  return { header, parts: recorded };
}

/** Reads the recording in a file, as `decodeRecording`. @throws RecordingError */
export async function readRecording(file: string, limits: Partial<RecordingLimits> = {}): Promise<Recording> {
  const unreadable = (error: unknown) =>
    new RecordingError(file, 0, 'a readable file', diskReason(error), { cause: error });
  // Opening a pipe would wait for a writer for ever.
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    (error) => {
      throw unreadable(error);
    },
  );
  if (!isFile) throw new RecordingError(file, 0, 'a file', 'a folder or device');
  const handle = await open(file, 'r').catch((error) => {
    throw unreadable(error);
  });
  try {
    const { size } = await handle.stat();
    const read = async (position: number, length: number): Promise<Buffer> => {
      const bytes = Buffer.allocUnsafeSlow(length); // not of the shared pool: parts are moved between threads
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, position + done).catch((error) => {
          throw unreadable(error);
        });
        if (bytesRead === 0)
          throw new RecordingError(file, position + done, `${length - done} more bytes`, 'a file that has shrunk');
        done += bytesRead;
      }
      return bytes;
    };
    return await decodeRecording({ size, read }, file, limits);
  } finally {
    await handle.close();
  }
}

type Preamble = { header: Record<string, unknown>; parts: { name: string; bytes: number; sha256: Buffer }[] };

function decodePreamble(bytes: Buffer, refuse: (offset: number, expected: string, found: string) => never): Preamble {
  const fault = plainMessagePackFault(bytes);
  if (fault) refuse(fault.offset, fault.expected, fault.found);
  const content: unknown = new Unpackr({ ...IMMUTABLE, mapsAsObjects: true, int64AsType: 'number' }).unpack(bytes);
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  if (!isMap(content) || !isMap(content.header) || !Array.isArray(content.parts))
    return refuse(0, 'a map of header and parts', kindOf(content));
  for (const part of content.parts as unknown[]) {
    const { name, bytes: size, sha256 } = isMap(part) ? part : {};
    const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 && size <= MAX_PART_BYTES;
    if (typeof name !== 'string' || !isSize || !Buffer.isBuffer(sha256) || sha256.length !== 32)
      refuse(0, 'parts with name, bytes and sha256', kindOf(part));
  }
  return content as Preamble;
}

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? `{${Object.keys(value).slice(0, 8).join(', ')}}` : String(value);

function sizedHead(length: number): Buffer {
  const head = Buffer.alloc(SIZED);
  head[0] = BIN32;
  head.writeUInt32BE(length, 1);
  return head;
}

/** Off the main thread. */
async function digestOf(bytes: Uint8Array): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes));
}

const short = (digest: Buffer): string => `${digest.toString('hex', 0, 6)}…`;

const quoted = (bytes: Buffer): string =>
  bytes.length === 0 ? 'an empty file' : JSON.stringify(bytes.toString('latin1'));
