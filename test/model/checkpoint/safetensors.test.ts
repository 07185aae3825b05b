import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../model/checkpoint/checkpointError.js';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { decodeSafetensors, encodeSafetensors } from '../../../model/checkpoint/safetensors.js';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/model/${name}`, import.meta.url));
const sha256 = (bytes: ArrayBufferView) =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex');

/** Tensors of every kind, from closed forms. */
const sample = (): Map<string, HostTensor> =>
  new Map<string, HostTensor>([
    ['byte', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ['stem.conv.kernel', { dtype: 'F32', shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 1e-30, 0, 7]) }],
    ['alpha', { dtype: 'F32', shape: [], data: Float32Array.of(0.8472979) }],
    ['counters', { dtype: 'I32', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
    ['double', { dtype: 'F64', shape: [2, 1], data: Float64Array.of(Math.PI, -0) }],
    ['long', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 40n)) }],
    ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
  ]);

const metadata = { format: 'test', state: '{"step":3,"name":"größe"}' };

describe('safetensors', () => {
  it('gives back what was written, bit for bit', () => {
    const { tensors, metadata: read } = decodeSafetensors(encodeSafetensors(sample(), metadata));
    expect(new Map([...tensors].sort())).toEqual(new Map([...sample()].sort()));
    expect(read).toEqual(metadata);
  });

  it('writes what the reference library reads', () => {
    // Made by fixtures/scripts/safetensors_file.py from a file with exactly these bytes.
    const reading = JSON.parse(fixture('safetensors_reading.json').toString()) as {
      file_sha256: string;
      metadata: Record<string, string>;
      tensors: Record<string, { dtype: string; shape: number[]; sha256: string }>;
    };
    const names: Record<string, string> = { U8: 'uint8', F32: 'float32', I32: 'int32', F64: 'float64', I64: 'int64' };
    expect(sha256(encodeSafetensors(sample(), metadata))).toBe(reading.file_sha256);
    expect(reading.metadata).toEqual(metadata);
    const expected = [...sample()].map(([name, { dtype, shape, data }]) => [
      name,
      { dtype: names[dtype], shape, sha256: sha256(data) },
    ]);
    expect(reading.tensors).toEqual(Object.fromEntries(expected));
  });

  it('reads what the reference library writes', () => {
    const { tensors, metadata: read } = decodeSafetensors(fixture('reference.safetensors'));
    expect(read).toEqual({ made_by: 'safetensors', umlaut: 'größe' });
    const values = Object.fromEntries(
      [...tensors].map(([name, { dtype, shape, data }]) => [name, [dtype, shape, data]]),
    );
    expect(values).toMatchObject({
      scalar: ['F32', [], Float32Array.of(2.5)],
      empty: ['F32', [0, 3], new Float32Array(0)],
      half: ['F16', [3], Uint16Array.of(0x3c00, 0xb800, 0x7bff)],
      long: ['I64', [2], BigInt64Array.of(2n ** 40n, -1n)],
      int: ['I32', [2, 2], Int32Array.of(1, -2, 3, 2 ** 31 - 1)],
      short: ['I16', [3], Int16Array.of(-32768, 32767, 5)],
      byte: ['U8', [7], Uint8Array.of(0, 1, 2, 3, 4, 5, 6)],
      bool: ['BOOL', [3], Uint8Array.of(1, 0, 1)],
    });
    // The first numbers of NumPy's default_rng(0).normal().
    const kernel = tensors.get('stem.conv.kernel')!;
    expect(kernel.shape).toEqual([4, 4, 3, 2]);
    expect(kernel.data[0]).toBeCloseTo(0.12573022, 7);
    expect(kernel.data[1]).toBeCloseTo(-0.13210486, 7);
  });

  it('reads from a view into a larger buffer', () => {
    const file = encodeSafetensors(sample());
    const larger = new Uint8Array(file.length + 3);
    larger.set(file, 3);
    expect(decodeSafetensors(larger.subarray(3)).tensors).toEqual(decodeSafetensors(file).tensors);
  });

  it('refuses data that do not fill their shape', () => {
    const wrong: HostTensor = { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) };
    expect(() => encodeSafetensors(new Map([['stem.kernel', wrong]]))).toThrow(
      'stem.kernel: expected 16 bytes for F32 [2,2], received 12 bytes',
    );
  });
});

describe('names from JavaScript', () => {
  it('are names like any other', () => {
    const tensor = (value: number): HostTensor => ({ dtype: 'F32', shape: [1], data: Float32Array.of(value) });
    const names = ['__proto__', 'constructor', 'toString', ''];
    // As text: in an object literal __proto__ would set the prototype.
    const entries = names.map(
      (name, i) => `${JSON.stringify(name)}:{"dtype":"F32","shape":[1],"data_offsets":[${4 * i},${4 * i + 4}]}`,
    );
    const header = new TextEncoder().encode(`{${entries.join()}}`);
    const file = new Uint8Array(8 + header.length + 16);
    new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
    file.set(header, 8);
    file.set(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), 8 + header.length);
    const { tensors } = decodeSafetensors(file);
    expect(tensors).toEqual(new Map(names.map((name, i) => [name, tensor(i + 1)])));
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
  });
});

describe('damaged files', () => {
  /** A file with any header text over eight bytes of data. */
  function file(header: unknown, bytes = 8) {
    const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const all = new Uint8Array(8 + text.length + bytes);
    new DataView(all.buffer).setBigUint64(0, BigInt(text.length), true);
    all.set(text, 8);
    return all;
  }
  const entry = (fields: object = {}) => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } });
  const oversize = () => {
    const bytes = file(entry());
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 63n, true);
    return bytes;
  };

  it('takes a sound one', () => {
    expect(decodeSafetensors(file(entry())).tensors.get('a')!.data).toEqual(new Float32Array(2));
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ['no bytes', () => new Uint8Array(3), /expected at least 8 bytes, received 3/],
    ['a header length beyond the file', oversize, /its length is given as 9223372036854775808/],
    ['a header that is not JSON', () => file('{"a":'), /expected a JSON header at offset 8/],
    ['a header that is not text', () => file('{"a"}').fill(0xff, 8), /expected a JSON header at offset 8/],
    ['a header that is no object', () => file([]), /expected a JSON object as header/],
    ['metadata of numbers', () => file({ __metadata__: { a: 1 } }, 0), /__metadata__: expected an object of strings/],
    ['an entry that is null', () => file({ a: null }), /^a: unknown dtype undefined/],
    ['an unknown dtype', () => file(entry({ dtype: 'F8' })), /^a: unknown dtype "F8"/],
    ['a dtype from the prototype', () => file(entry({ dtype: 'toString' })), /^a: unknown dtype/],
    ['a negative size', () => file(entry({ shape: [-2] })), /^a: expected a shape of whole numbers, received \[-2\]/],
    ['a shape beyond all numbers', () => file(entry({ shape: [2 ** 40, 2 ** 40] })), /^a: expected 4\.8\d+e\+24 bytes/],
    ['backward offsets', () => file(entry({ data_offsets: [8, 0] })), /^a: expected data_offsets \[begin, end\]/],
    [
      'offsets beyond the data',
      () => file(entry({ data_offsets: [8, 16] })),
      /^a: data_offsets \[8, 16\] end behind the 8 bytes/,
    ],
    [
      'a range of the wrong size',
      () => file(entry({ shape: [1] })),
      /^a: expected 4 bytes for F32 \[1\], but data_offsets \[0, 8\] hold 8/,
    ],
    [
      'overlapping tensors',
      () => file({ ...entry(), b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }),
      /^b: its data at 4 overlap those of a/,
    ],
    [
      'tensors that share one byte',
      () => file({ ...entry(), b: { dtype: 'U8', shape: [1], data_offsets: [7, 8] } }),
      /^b: its data at 7 overlap those of a/,
    ],
    [
      'a gap',
      () => file(entry({ shape: [1], data_offsets: [4, 8] })),
      /^a: 4 bytes at 0, after the header, belong to nothing/,
    ],
    ['bytes left over', () => file(entry(), 12), /expected data of 8 bytes after the header, received 12/],
    [
      'a name twice, which hides the first of its tensors',
      () =>
        file(
          '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
        ),
      /^a: 4 bytes at 0, after the header, belong to nothing/,
    ],
    [
      'a shape of infinitely many',
      () => file(entry({ shape: Array(40).fill(2 ** 52) })),
      /^a: expected Infinity bytes/,
    ],
    [
      'a shape of words',
      () => file(entry({ shape: ['2'] })),
      /^a: expected a shape of whole numbers, received \["2"\]/,
    ],
    ['offsets beyond whole numbers', () => file(entry({ data_offsets: [0, 2 ** 60] })), /^a: expected data_offsets/],
    [
      'a name that steers the terminal',
      () => file({ '\u001b[2J\n\u009b': { dtype: 'F8' } }),
      /^"\\u001b\[2J\\n\\u009b": unknown dtype "F8"$/,
    ],
    ['a dtype that does', () => file(entry({ dtype: '\u001b[2J' })), /^a: unknown dtype "\\u001b\[2J"$/],
    ['a name without end', () => file({ ['x'.repeat(1e6)]: {} }), /^x{200}…: unknown dtype undefined$/],
    [
      'a shape without end',
      () => file(entry({ shape: Array(300_000).fill(1) })),
      /^a: expected 4 bytes for F32 \[1,1,1,1,1,1,1,1,… \(300000\)\], but/,
    ],
    [
      'a shape nested deeper than the stack',
      () => file(`{"a":{"dtype":"F32","shape":${'['.repeat(200_000)}${']'.repeat(200_000)},"data_offsets":[0,8]}}`),
      /^a: expected a shape of whole numbers, received \[an array\]$/,
    ],
    ['what is no JSON and steers the terminal', () => file('{\u001b[2J\n'), /^[^\p{Cc}]+$/u],
    ['a truncated file', () => encodeSafetensors(sample()).subarray(0, -1), /end behind the/],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes())).toThrow(message);
    expect(() => decodeSafetensors(bytes())).toThrow(CheckpointError);
  });
});
