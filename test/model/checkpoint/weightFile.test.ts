import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { CheckpointError } from '../../../model/checkpoint/checkpointError.js';
import { float32Values } from '../../../model/checkpoint/float32Values.js';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { readPickle } from '../../../model/checkpoint/pickle.js';
import { readWeightFile } from '../../../model/checkpoint/weightFile.js';
import { seededUniform } from '../seededUniform.js';
import { fixture, readFixture } from '../trunk/tinyConvNext.js';
import { pickle, storedZip, torchArchive, torchTensor } from './torchBytes.js';

const folder = mkdtempSync(join(tmpdir(), 'stf-weights-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function written(bytes: Uint8Array): string {
  const path = join(folder, `weights-${files++}.pt`);
  writeFileSync(path, bytes);
  return path;
}
const { of, dictionary, string, global, tuple, reduce, integer, none } = pickle;
const four = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);

describe('what PyTorch wrote is read as it was', () => {
  const truth = readFixture('convnextv2.safetensors');

  test('zip format: inside a training checkpoint, float16, bfloat16 and float32, rows and columns', async () => {
    const tensors = await readWeightFile(fixture('convnextv2_original.pt'));
    expect(tensors.size).toBe(truth.size);
    const dtypes = new Set([...tensors.values()].map(({ dtype }) => dtype));
    expect([...dtypes].sort()).toEqual(['BF16', 'F16', 'F32']);
    for (const [name, original] of [
      ['downsample_layers.0.0.weight', 'stem.0.weight'],
      ['stages.2.0.pwconv1.weight', 'stages.2.blocks.0.mlp.fc1.weight'],
      ['stages.3.0.pwconv2.weight', 'stages.3.blocks.0.mlp.fc2.weight'],
      ['head.bias', 'head.fc.bias'],
    ] as const) {
      const [got, want] = [tensors.get(name)!, truth.get(original)!];
      expect(got.shape).toEqual(want.shape);
      expect([...float32Values(got, name)]).toEqual([...(want.data as Float32Array)]);
    }
  });

  test('the format before 1.6', async () => {
    const tensors = await readWeightFile(fixture('convnextv2_hugging_face.pth'));
    expect(tensors.size).toBe(truth.size);
    const got = tensors.get('convnextv2.encoder.stages.3.layers.0.dwconv.weight')!;
    expect(got).toEqual(truth.get('stages.3.blocks.0.conv_dw.weight'));
  });

  test('a plain dictionary, a shared storage, an offset and a scalar', async () => {
    const root = of(
      dictionary(
        [string('all'), torchTensor()],
        [string('transposed'), torchTensor({ strides: [1, 2] })],
        [string('second row'), torchTensor({ offset: 2, shape: [2], strides: [1] })],
        [string('scalar'), torchTensor({ offset: 3, shape: [], strides: [] })],
        [string('epoch'), integer(7)],
      ),
    );
    const tensors = await readWeightFile(written(torchArchive(root, { 0: four })));
    const plain = Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, [shape, [...data]]]));
    expect(plain).toEqual({
      all: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      transposed: [
        [2, 2],
        [1, 3, 2, 4],
      ],
      'second row': [[2], [3, 4]],
      scalar: [[], [4]],
    });
  });
});

test.each<[type: string, dtype: HostTensor['dtype'], data: HostTensor['data']]>([
  ['DoubleStorage', 'F64', Float64Array.of(-Math.PI, 1e300)],
  ['FloatStorage', 'F32', Float32Array.of(-1.5, 3e38)],
  ['HalfStorage', 'F16', Uint16Array.of(0xc000, 0x7bff)],
  ['BFloat16Storage', 'BF16', Uint16Array.of(0xc049, 0x3f80)],
  ['LongStorage', 'I64', BigInt64Array.of(-(2n ** 60n), 3n)],
  ['IntStorage', 'I32', Int32Array.of(-(2 ** 31), 3)],
  ['ShortStorage', 'I16', Int16Array.of(-32768, 3)],
  ['CharStorage', 'I8', Int8Array.of(-128, 3)],
  ['ByteStorage', 'U8', Uint8Array.of(255, 3)],
  ['BoolStorage', 'BOOL', Uint8Array.of(0, 1)],
])('a torch.%s holds %s', async (type, dtype, data) => {
  const root = of(dictionary([string('x'), torchTensor({ type, length: 2, shape: [2], strides: [1] })]));
  const tensors = await readWeightFile(written(torchArchive(root, { 0: new Uint8Array(data.buffer) })));
  expect(tensors.get('x')).toEqual({ dtype, shape: [2], data });
});

test('the values that training scripts store beside the weights are read for what they are', () => {
  const host = { global: () => 0, call: () => 0, persistent: () => 0 };
  const valueIn = (...pieces: number[]) => readPickle(of(pieces), 0, host).value;
  expect(valueIn(0x8a, 0)).toBe(0);
  expect(valueIn(0x8a, 1, 0xff)).toBe(-1);
  expect(valueIn(0x8a, 2, 0x00, 0x80)).toBe(-32768);
  expect(valueIn(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1)).toBe(2n ** 64n);
  expect(valueIn(0x4a, 0xfe, 0xff, 0xff, 0xff)).toBe(-2);
  expect(valueIn(0x47, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0)).toBe(-1);
  expect(valueIn(0x28, 0x88, 0x89, 0x4e, 0x74)).toEqual([true, false, null]);
  expect(valueIn(0x8c, 2, 0xc3, 0xa9)).toBe('é');
  expect(valueIn(0x5d, 0x71, 7, 0x4b, 5, 0x61, 0x68, 7, 0x86)).toEqual([[5], [5]]);
});

describe('float16 and bfloat16', () => {
  const half = (...patterns: number[]): HostTensor => ({
    dtype: 'F16',
    shape: [patterns.length],
    data: Uint16Array.from(patterns),
  });

  test('numbers whose patterns the standard gives', () => {
    const patterns = half(0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x3555, 0x8000, 0x7c00, 0xfc00, 0x7e00);
    expect([...float32Values(patterns, 'x')]).toEqual(
      [1, -2, 65504, 2 ** -14, 2 ** -14 - 2 ** -24, 2 ** -24, 0.333251953125, -0, Infinity, -Infinity, NaN].map(
        Math.fround,
      ),
    );
    const brain: HostTensor = { dtype: 'BF16', shape: [4], data: Uint16Array.from([0x3f80, 0xc049, 0x7f80, 0x0000]) };
    expect([...float32Values(brain, 'x')]).toEqual([1, -3.140625, Infinity, 0]);
  });

  test('integers are no weights', () => {
    const counts: HostTensor = { dtype: 'I64', shape: [1], data: BigInt64Array.of(3n) };
    expect(() => float32Values(counts, 'steps')).toThrow('steps: expected floating-point numbers, received I64');
  });
});

const refused = async (bytes: Uint8Array): Promise<string> => {
  const path = written(bytes);
  const error = await readWeightFile(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  const { message } = error as CheckpointError;
  expect(message).toContain(path);
  return message.replace(`cannot use weights ${path}: `, '');
};

describe('a pickle that tries to run something', () => {
  const target = join(folder, 'was-run');
  const command = tuple(string(`touch ${target}`));

  test.each([
    ['os.system', [...global('os', 'system'), ...command, ...reduce]],
    ['posix.system', [...global('posix', 'system'), ...command, ...reduce]],
    ['builtins.eval', [...string('builtins'), ...string('eval'), 0x93, ...command, ...reduce]],
    ['__builtin__.getattr', [...global('__builtin__', 'getattr'), ...command, ...reduce]],
    ['torch.load', [...global('torch', 'load'), ...command, ...reduce]],
    ['torch.constructor', [...global('torch', 'constructor'), ...command, 0x81]],
    ['Object.constructor', [...global('Object', 'constructor'), ...command, ...reduce]],
    ['collections.OrderedDict.__reduce__', global('collections', 'OrderedDict.__reduce__')],
  ])('is stopped at %s', async (name, pieces) => {
    const message = await refused(torchArchive(of(pieces)));
    expect(message).toContain(`the file asks for "${name}", which weights do not need; nothing of it was run`);
    expect(existsSync(target)).toBe(false);
  });

  test('a call of a dtype, of a text and of a storage type is no call', async () => {
    expect(await refused(torchArchive(of([...global('torch', 'float32'), ...command, ...reduce])))).toContain(
      'the file calls torch.float32, which is no function of tensors',
    );
    expect(await refused(torchArchive(of([...string('print'), ...command, ...reduce])))).toContain('no function');
    expect(await refused(torchArchive(of([...global('torch', 'FloatStorage'), ...command, ...reduce])))).toContain(
      'no function of tensors',
    );
  });

  test.each([
    ['INST', 0x69],
    ['OBJ', 0x6f],
    ['EXT1', 0x82],
    ['PERSID', 0x50],
    ['INT', 0x49],
    ['DUP', 0x32],
  ])('opcode %s is none of data', async (_, code) => {
    expect(await refused(torchArchive(of([0x28, code])))).toMatch(/opcode 0x.. is not one that weight files use/);
  });

  test('names that an object would inherit are keys like any other', async () => {
    const root = of(dictionary([string('__proto__'), torchTensor()], [string('constructor'), torchTensor()]));
    const tensors = await readWeightFile(written(torchArchive(root, { 0: four })));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});

describe('pickles that are small and ask for much', () => {
  /** Arrays as long as these are too many arguments for the building blocks. */
  const joined = (...pieces: Iterable<number>[]) => {
    const bytes: number[] = [];
    for (const piece of pieces) for (const byte of piece) bytes.push(byte);
    return Uint8Array.from([0x80, 2, bytes, 0x2e].flat());
  };
  const repeated = (count: number, piece: number[]) => {
    const bytes = new Uint8Array(count * piece.length);
    for (let i = 0; i < count; i++) bytes.set(piece, i * piece.length);
    return bytes;
  };
  const tuple1 = [0x85];
  const [pop, binput, binget] = [0x30, 0x71, 0x68];

  test('a key nested deeper than the stack', async () => {
    const deep = joined([0x7d, 0x29], repeated(200_000, tuple1), none, [0x73]);
    expect(await refused(torchArchive(deep))).toContain('received a dictionary with [an array]');
  });

  test('a version nested deeper than the stack', async () => {
    const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
    const deep = joined([0x29], repeated(200_000, tuple1));
    const legacy = Uint8Array.from([...magic, ...deep, ...of(none)]);
    expect(await refused(legacy)).toContain("expected PyTorch's format 1001, received [an array]");
  });

  test('a list that is copied into a dictionary again and again', async () => {
    const count = 20_000;
    const pair = [0x4e, 0x4e, 0x86];
    const list = [0x5d, binput, 0, 0x28];
    const ordered = [...global('collections', 'OrderedDict'), binput, 1, pop];
    const call = [binget, 1, binget, 0, 0x85, ...reduce, pop];
    const bytes = joined(ordered, list, repeated(count, pair), [0x65], repeated(count, call));
    expect(bytes.length).toBeLessThan(360_000);
    // All of them, four hundred million pairs, would take minutes.
    expect(await refused(torchArchive(bytes))).toContain('made of more pairs than the pickle has bytes');
  });

  test('a shape of more axes than any tensor has', async () => {
    const tensor = torchTensor({ shape: Array(65).fill(1), strides: Array(65).fill(1) });
    expect(await refused(torchArchive(of(dictionary([string('w'), tensor])), { 0: four }))).toContain(
      'expected storage, offset, shape and strides',
    );
  });
});

describe('tensors that do not lie in their storage', () => {
  const withTensor = (tensor: number[], data = four) =>
    torchArchive(of(dictionary([string('w'), tensor])), { 0: data });

  test.each([
    ['a larger shape', { shape: [2, 3], strides: [3, 1] }, 'shape [2,3], strides [3,1] and offset 0 reach beyond'],
    ['an offset', { offset: 1 }, 'reach beyond the 4 elements'],
    ['far strides', { strides: [1000000, 1] }, 'reach beyond the 4 elements'],
    ['one element repeated a thousand million times', { shape: [1e9], strides: [0] }, 'reach beyond the 4 elements'],
    ['a storage that is shorter than said', { length: 5 }, 'expected 20 bytes in storage 0, received 16'],
    ['wider elements', { type: 'DoubleStorage' }, 'expected 32 bytes in storage 0, received 16'],
    ['a storage that is not there', { key: '1' }, 'its data (storage 1) are not in the file'],
    ['negative strides', { strides: [-2, 1] }, 'expected storage, offset, shape and strides'],
    ['too few strides', { strides: [1] }, 'expected storage, offset, shape and strides'],
    ['too many strides', { strides: [2, 1, 1] }, 'expected storage, offset, shape and strides'],
    ['a type that does not exist', { type: 'ComplexFloatStorage' }, 'the file asks for "torch.ComplexFloatStorage"'],
  ])('%s', async (_, tensor, problem) => {
    expect(await refused(withTensor(torchTensor(tensor)))).toContain(problem);
  });

  test('many tensors of one storage do not unpack to many times the file', async () => {
    const pairs = Array.from({ length: 60 }, (_, i): [number[], number[]] => [
      string(`w${i}`),
      torchTensor({ length: 5000, shape: [5000], strides: [1] }),
    ]);
    const archive = torchArchive(of(dictionary(...pairs)), { 0: new Uint8Array(20000) });
    expect(await refused(archive)).toContain('are larger than 2 times the file');
  });
});

describe('archives that are not what they seem', () => {
  const good = torchArchive(of(dictionary([string('w'), torchTensor()])), { 0: four });

  test('a compressed one, which may unpack to anything', async () => {
    const bomb = zipSync({ 'archive/data.pkl': new Uint8Array(5_000_000) });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await refused(bomb)).toContain('archive/data.pkl is compressed or encrypted, which PyTorch never does');
  });

  test('one whose files overlap', async () => {
    const bomb = torchArchive(of(dictionary([string('w'), torchTensor()])), { 0: new Uint8Array(10_000) }, 50);
    expect(await refused(bomb)).toMatch(/archive\/data\/0\d+ overlaps other files of the archive/);
  });

  test.each([
    [
      'no data.pkl',
      torchArchive(of(none)).map((byte) => (byte === 0x6b ? 0x6c : byte)),
      'expected one data.pkl in the archive, received 0',
    ],
    [
      'two data.pkl',
      storedZip({ 'a/data.pkl': of(none), 'b/data.pkl': of(none) }),
      'expected one data.pkl in the archive, received 2',
    ],
    [
      'one storage of two lengths',
      torchArchive(
        of(
          dictionary([string('a'), torchTensor()], [string('b'), torchTensor({ length: 2, shape: [2], strides: [1] })]),
        ),
        { 0: four },
      ),
      'storage 0 is described in two ways',
    ],
    ['no weights', torchArchive(of(none)), 'expected a dictionary of tensors, also inside state_dict_ema'],
    ['weights nowhere', torchArchive(of(dictionary([string('lr'), none]))), 'received a dictionary with lr'],
  ])('%s', async (_, bytes, problem) => {
    expect(await refused(bytes)).toContain(problem);
  });

  test('a TorchScript program', async () => {
    const bytes = torchArchive(of(none), { '../code/__torch__.py': four });
    const program = new TextDecoder('latin1').decode(bytes).replaceAll('data/../code/', 'code/12345678');
    expect(await refused(Uint8Array.from(program, (c) => c.charCodeAt(0)))).toContain('TorchScript program');
  });

  test('other formats are named', async () => {
    const tar = new Uint8Array(1024);
    tar.set(new TextEncoder().encode('ustar'), 257);
    expect(await refused(tar)).toContain('a tape archive, as PyTorch wrote before 0.2');
    expect(await refused(of(none))).toContain('a plain pickle; expected safetensors or what torch.save writes');
    expect(await refused(new Uint8Array(3))).toContain('expected at least 8 bytes');
    await expect(readWeightFile(join(folder, 'missing.pt'))).rejects.toThrow(
      /cannot read weights .*missing\.pt: ENOENT/,
    );
  });

  test.each(['convnextv2_original.pt', 'convnextv2_hugging_face.pth'])('%s cut anywhere', async (name) => {
    const whole = readFileSync(fixture(name));
    for (let end = 1; end < whole.length; end += Math.ceil(whole.length / 60)) await refused(whole.subarray(0, end));
    await refused(whole.subarray(0, whole.length - 1));
  });

  test.each(['convnextv2_original.pt', 'convnextv2_hugging_face.pth'])(
    '%s with bytes changed is read or refused, nothing else',
    async (name) => {
      const whole = readFileSync(fixture(name));
      const uniform = seededUniform(11);
      let failed = 0;
      for (let trial = 0; trial < 120; trial++) {
        const changed = Uint8Array.from(whole);
        // The pickles lie at the beginning; numbers may change unnoticed, structure may not.
        for (let k = 0; k < 3; k++) changed[Math.floor(uniform() * 7000)] = Math.floor(uniform() * 256);
        const outcome = await readWeightFile(written(changed)).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(CheckpointError);
          failed++;
        }
      }
      expect(failed).toBeGreaterThan(20);
    },
  );

  test('the good one is good', async () => {
    expect((await readWeightFile(written(good))).get('w')!.shape).toEqual([2, 2]);
  });
});
