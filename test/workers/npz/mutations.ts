import { zipSync } from 'fflate';
import type { Random } from '../../../workers/index.js';

/* Damaged and hostile npz archives: random damage to valid ones, and valid archives around invalid arrays. */

const pickFrom = <T>(random: Random, list: readonly T[]): T => list[random.integer(0, list.length - 1)]!;
const randomBytes = (random: Random, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => random.integer(0, 255)));

/** Numbers at which sizes and offsets go wrong. */
function awkward(random: Random, length: number): bigint {
  const around = BigInt(random.integer(-2, 2));
  const values = [0n, 1n, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 0x100000000n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  const value = pickFrom(random, [...values, BigInt(length), BigInt(random.integer(0, 4 * length))]) + around;
  return value < 0n ? 0n : value;
}

function writeNumber(bytes: Buffer, at: number, width: 1 | 2 | 4 | 8, value: bigint): void {
  for (let i = 0; i < width && at + i < bytes.length; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
}

const SIGNATURES = [
  [0x02014b50, 46],
  [0x04034b50, 30],
  [0x06054b50, 22],
  [0x06064b50, 56],
  [0x07064b50, 20],
] as const;

/** Offsets of zip structures with the length of their fixed part. */
function structures(bytes: Buffer): { at: number; length: number }[] {
  const found: { at: number; length: number }[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const signature = bytes.readUInt32LE(at);
    for (const [wanted, length] of SIGNATURES) if (signature === wanted) found.push({ at, length });
  }
  return found;
}

const DAMAGE: ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => {
    for (let n = random.integer(1, 16); n > 0; n--)
      bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random.integer(0, bytes.length)),
  (bytes, random) => bytes.subarray(random.integer(0, bytes.length)),
  (bytes, random) => {
    const start = random.integer(0, bytes.length - 1);
    const end = Math.min(bytes.length, start + random.integer(1, 64));
    bytes.fill(pickFrom(random, [0, 0xff, random.integer(0, 255)]), start, end);
    return bytes;
  },
  (bytes, random) => {
    const at = random.integer(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), randomBytes(random, random.integer(1, 64)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const from = random.integer(0, bytes.length - 1);
    const to = random.integer(0, bytes.length);
    const piece = bytes.subarray(from, from + random.integer(1, 200));
    return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
  },
  (bytes, random) => {
    const from = random.integer(0, bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + random.integer(1, 200))]);
  },
  (bytes, random) => {
    const width = pickFrom(random, [1, 2, 4, 8] as const);
    writeNumber(bytes, random.integer(0, bytes.length - 1), width, awkward(random, bytes.length));
    return bytes;
  },
  // The fields of the zip format itself, three times as often: there a number decides what is read and allocated.
  ...Array.from({ length: 3 }, () => (bytes: Buffer, random: Random) => {
    const places = structures(bytes);
    if (places.length === 0) return bytes;
    for (let n = random.integer(1, 3); n > 0; n--) {
      const { at, length } = pickFrom(random, places);
      const field = at + 4 + 2 * random.integer(0, length / 2 - 3);
      writeNumber(bytes, field, pickFrom(random, [2, 4] as const), awkward(random, bytes.length));
    }
    return bytes;
  }),
];

/** `bytes` with one to four kinds of damage; now and then one that changes nothing. */
export function damaged(bytes: Uint8Array, random: Random): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let n = random.chance(0.7) ? 1 : random.integer(2, 4); n > 0 && out.length > 0; n--)
    out = Buffer.from(pickFrom(random, DAMAGE)(out, random));
  return out;
}

const SOUND_DESCRS = '|u1 <f4 >f4 <f8 >f8 <f2 >f2 <i8 >u8 |b1 |i1 <u2 >i4'.split(' ');
const DESCRS = '|u1 <f4 >f4 <f8 >f8 <f2 >f2 <i8 >u8 |b1 |O <c8 |S5 <U3 <M8[ns] |V8 u1 f4 = <f16 <u1 >i2 \x1b[31m'.split(
  ' ',
);

/** A `.npy` file that may lie about its version, header, dtype, order, shape and length. */
export function strangeNpy(random: Random): Buffer {
  const extent = () =>
    pickFrom(random, [0, 1, 2, 3, 5, 68, 81, 255, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, 1e30, -1, 0.5, Number.NaN]);
  const rank = pickFrom(random, [0, 1, 2, 3, 4, 4, 4, 5, 33, 400]);
  const small = random.chance(0.6);
  const shape = Array.from({ length: rank }, () => (small ? random.integer(0, 6) : extent()));
  const fields = [
    `'descr': ${pickFrom(random, [...SOUND_DESCRS.map((descr) => `'${descr}'`), `'${pickFrom(random, DESCRS)}'`, `[('a', '<f4')]`, 'None', `'${'x'.repeat(random.integer(0, 300))}'`])}`,
    `'fortran_order': ${pickFrom(random, ['True', 'False', '0', ''])}`,
    `'shape': (${shape.join(pickFrom(random, [', ', ',', ' ', ',,']))}${pickFrom(random, [',', '', ',,'])})`,
  ].filter(() => random.chance(0.95));
  let text = `{${fields.join(', ')}, }${' '.repeat(random.integer(0, 80))}\n`;
  if (random.chance(0.05)) text = text.repeat(random.integer(2, 200));
  if (random.chance(0.05)) text = randomBytes(random, random.integer(0, 200)).toString('latin1');
  const version = pickFrom(random, [1, 1, 1, 2, 3, 0, 4, 255]);
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  const length = random.chance(0.9) ? BigInt(text.length) : awkward(random, text.length);
  writeNumber(head, 8, version === 1 ? 2 : 4, length);
  const count = shape.reduce((product, value) => product * value, 1);
  const declared = Number(/'descr': '[<>|=](?:[a-z])(\d)'/.exec(text)?.[1] ?? 1);
  const itemBytes = random.chance(0.8) ? declared : pickFrom(random, [1, 2, 4, 8]);
  const exact = Number.isSafeInteger(count) && count >= 0 && count < 20_000 ? count * itemBytes : 16;
  const body = randomBytes(random, random.chance(0.8) ? exact : random.integer(0, 2000));
  return Buffer.concat([head, Buffer.from(text, 'latin1'), body]);
}

/** A sound archive, its checksums right, of arrays that need not be. */
export function strangeNpz(random: Random): Buffer {
  const names = [
    'crops',
    'landmarks',
    'frames',
    'a',
    'b',
    random.chance(0.1) ? '../a' : 'c',
    'x'.repeat(300),
    '\x1b[2J',
    '',
  ];
  const entries = Array.from({ length: random.integer(0, 5) }, () => [
    `${pickFrom(random, names)}${pickFrom(random, ['.npy', '.npy', '', '.npy.npy'])}`,
    strangeNpy(random),
  ]);
  return Buffer.from(zipSync(Object.fromEntries(entries), { level: pickFrom(random, [0, 6] as const) }));
}
