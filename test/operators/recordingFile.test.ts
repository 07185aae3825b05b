import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ByteSource,
  decodeRecording,
  encodeRecording,
  type RecordingDraft,
  RecordingError,
  readRecording,
} from '../../operators/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const encode = async (draft: RecordingDraft) => Buffer.concat((await encodeRecording(draft)).chunks);
/** A source that notes how much was ever asked for. */
const sourceOf = (bytes: Uint8Array): ByteSource & { most: number } => {
  const source = {
    size: bytes.length,
    most: 0,
    read: async (position: number, length: number) => {
      source.most = Math.max(source.most, length);
      if (position < 0 || length < 0 || position + length > bytes.length) throw new Error('read beyond the source');
      return bytes.slice(position, position + length);
    },
  };
  return source;
};
const refusal = async (bytes: Uint8Array): Promise<RecordingError> => {
  const error = await decodeRecording(sourceOf(bytes), 'F').then(
    () => expect.fail('it was taken for whole'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(RecordingError);
  expect(error.message).toMatch(/^F: offset \d+: expected .+ but found .+$/);
  return error;
};

const example: RecordingDraft = {
  header: { step: 12, ids: ['ada', 'bob'], nested: { list: [1, 2.5, null, true], 'a key': 'zwölf' } },
  parts: [
    { name: 'clips', bytes: Uint8Array.from({ length: 300 }, (_, i) => i % 251) },
    { name: 'empty', bytes: new Uint8Array(0) },
    { name: 'labels', bytes: Uint8Array.from([0, 1, 0, 1]) },
  ],
};

describe('recordings', () => {
  it('come back as they were, whatever the header and the parts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          fc.jsonValue({ noUnicodeString: false }).filter((value) => !JSON.stringify(value).includes('__proto__')),
        ),
        fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }),
        async (header, blocks) => {
          const parts = blocks.map((bytes, i) => ({ name: `part ${i}`, bytes }));
          const { chunks, bytes } = await encodeRecording({ header, parts });
          const file = Buffer.concat(chunks);
          expect(file.length).toBe(bytes);
          const back = await decodeRecording(sourceOf(file), 'F');
          expect(JSON.parse(JSON.stringify(back.header))).toEqual(JSON.parse(JSON.stringify(header)));
          expect(back.parts.map(({ name, bytes: block }) => ({ name, bytes: new Uint8Array(block) }))).toEqual(parts);
          expect(back.parts.map((part) => part.sha256)).toEqual(blocks.map(sha256));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('do not copy parts on their way out, and give each memory of its own on its way in', async () => {
    const bytes = new Uint8Array(1000).fill(7);
    const { chunks } = await encodeRecording({ header: {}, parts: [{ name: 'clips', bytes }] });
    expect(chunks.at(-1)).toBe(bytes);
    const file = join(folder, 'own.msgpack');
    await writeFile(file, Buffer.concat(chunks));
    const { parts } = await readRecording(file);
    expect(parts[0]!.bytes.buffer.byteLength).toBe(1000);
    structuredClone(parts[0]!.bytes, { transfer: [parts[0]!.bytes.buffer as ArrayBuffer] });
  });

  it('are one MessagePack value that any library reads', async () => {
    const [magic, version, preamble, digest, blocks] = new Unpackr({ useRecords: false }).unpack(await encode(example));
    expect([magic, version]).toEqual(['recorded-batch', 1]);
    expect(digest.toString('hex')).toBe(sha256(preamble));
    expect(new Unpackr({ useRecords: false }).unpack(preamble)).toEqual({
      header: example.header,
      parts: example.parts.map(({ name, bytes }) => ({
        name,
        bytes: bytes.length,
        sha256: Buffer.from(sha256(bytes), 'hex'),
      })),
    });
    expect(blocks.map((block: Buffer) => new Uint8Array(block))).toEqual(example.parts.map(({ bytes }) => bytes));
  });

  it('believe a digest that is known already, until they are read', async () => {
    const [clips] = example.parts;
    const right = await encode({ header: {}, parts: [{ ...clips!, sha256: sha256(clips!.bytes) }] });
    expect((await decodeRecording(sourceOf(right), 'F')).parts[0]!.sha256).toBe(sha256(clips!.bytes));
    const wrong = await encode({ header: {}, parts: [{ ...clips!, sha256: '00'.repeat(32) }] });
    expect((await refusal(wrong)).message).toMatch(/expected part "clips" with SHA-256 000000000000… but found one/);
    await expect(encode({ header: {}, parts: [{ ...clips!, sha256: 'beef' }] })).rejects.toThrow(/64 hexadecimal/);
  });

  it('refuse headers that are no plain data', async () => {
    for (const strange of [new Date(0), new Set([1]), new Map(), /x/, undefined, new Float32Array(2), 1n, () => 1])
      await expect(encode({ header: { list: [1, { strange }] }, parts: [] })).rejects.toThrow(
        /^Expected plain data for header\.list\[1\]\.strange but received /,
      );
  });
});

describe('a damaged recording', () => {
  it('is refused wherever it was cut, with the offset', async () => {
    const file = await encode(example);
    for (let cut = 0; cut < file.length; cut++) {
      const { offset, message } = await refusal(file.subarray(0, cut));
      expect(offset, message).toBeLessThanOrEqual(cut);
    }
    expect(await refusal(file.subarray(0, file.length - 1))).toMatchObject({
      offset: file.length - 1,
      expected: `1 more bytes (${file.length} in all)`,
    });
  });

  it('is refused whichever bit has flipped, at or before that byte or in what it covers', async () => {
    const file = await encode(example);
    for (let at = 0; at < file.length; at++)
      for (const bit of [at % 8, (at + 3) % 8]) {
        const damaged = Buffer.from(file);
        damaged[at]! ^= 1 << bit;
        const { offset } = await refusal(damaged);
        expect(offset).toBeLessThanOrEqual(file.length);
      }
    const damaged = Buffer.from(file);
    damaged[file.length - 2]! ^= 1; // in the labels
    expect(await refusal(damaged)).toMatchObject({
      offset: file.length - 4,
      found: expect.stringMatching(/^one with/),
    });
  });

  it('is refused when something follows', async () => {
    const file = await encode(example);
    expect(await refusal(Buffer.concat([file, Buffer.from([0])]))).toMatchObject({
      offset: file.length,
      expected: 'the end of the file',
      found: '1 more bytes',
    });
  });

  it('never makes the reader ask for more than there is', async () => {
    const file = await encode(example);
    const preambleSize = file.readUInt32BE(18);
    for (const at of [18, 22 + preambleSize + 34 + 3 + 1]) {
      const huge = Buffer.from(file);
      huge.writeUInt32BE(0xffffffff, at);
      const source = sourceOf(huge);
      await expect(decodeRecording(source, 'F')).rejects.toThrow(RecordingError);
      expect(source.most).toBeLessThanOrEqual(file.length);
    }
    await expect(decodeRecording(sourceOf(file), 'F', { maxBytes: file.length - 1 })).rejects.toThrow(
      `F: offset 0: expected a file of at most ${file.length - 1} bytes but found one of ${file.length}`,
    );
    await expect(decodeRecording(sourceOf(file), 'F', { maxPreambleBytes: 100 })).rejects.toThrow(
      `F: offset 18: expected a preamble of at most 100 bytes but found one of ${preambleSize}`,
    );
  });

  it.each([
    [
      'another format',
      Buffer.from('PK\x03\x04 an archive of some kind'),
      0,
      /beginning with "recorded-batch" but found "PK/,
    ],
    ['nothing', Buffer.alloc(0), 0, /more bytes of the head/],
    ['MessagePack of another kind', Buffer.from([0x95, 0xa3, 97, 98, 99, 1]), 1, /beginning with "recorded-batch"/],
    [
      'a later version',
      Buffer.from('\x95\xaerecorded-batch\x02', 'latin1'),
      16,
      /format version 1 but found version 2/,
    ],
  ])('that is %s is told apart', async (_, bytes, offset, message) => {
    const error = await refusal(bytes);
    expect(error.message).toMatch(message);
    expect(error.offset).toBe(offset);
  });

  it('with a preamble that is whole but not ours is refused without trust', async () => {
    const { Packr } = await import('msgpackr');
    const forged = (content: Buffer) =>
      Buffer.concat([
        Buffer.from('\x95\xaerecorded-batch\x01\xc6', 'latin1'),
        Buffer.from([0, 0, content.length >> 8, content.length & 255]),
        content,
        Buffer.from([0xc4, 32]),
        createHash('sha256').update(content).digest(),
        Buffer.from([0xdc, 0, 0]),
      ]);
    const pack = (value: unknown) => new Packr({ useRecords: false }).pack(value);
    const digest = Buffer.alloc(32);
    for (const content of [
      pack({ header: {} }),
      pack({ header: [], parts: [] }),
      pack({ header: digest, parts: [] }),
      pack([1, 2]),
      pack({ header: {}, parts: [null] }),
      pack({ header: {}, parts: [{ name: 1, bytes: 0, sha256: digest }] }),
      pack({ header: {}, parts: [{ name: 'a', bytes: -1, sha256: digest }] }),
      pack({ header: {}, parts: [{ name: 'a', bytes: 1e12, sha256: digest }] }),
      pack({ header: {}, parts: [{ name: 'a', bytes: 0, sha256: Buffer.alloc(31) }] }),
    ])
      expect((await refusal(forged(content))).message).toMatch(/offset 22: expected (a map|parts with)/);
    // An extension of msgpackr that would compile a reader: defines a record with a field of a hostile name.
    const record = Buffer.concat([Buffer.from([0xd4, 0x72, 0x40]), pack(['constructor']), pack(1)]);
    expect((await refusal(forged(record))).message).toMatch(/offset 22: expected plain data but found type 0xd4/);
    const part = { name: 'a', bytes: 0, sha256: digest };
    expect((await refusal(forged(pack({ header: {}, parts: [part] })))).message).toMatch(/expected a list of 1 parts/);
  });

  it('cannot be a folder, a device or nothing at all', async () => {
    await expect(readRecording(folder)).rejects.toThrow(/expected a file but found a folder or device/);
    await expect(readRecording(join(folder, 'none'))).rejects.toThrow(/expected a readable file but found ENOENT/);
    await expect(readRecording('/dev/zero')).rejects.toThrow(RecordingError);
  });
});
