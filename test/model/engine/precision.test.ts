import { describe, expect, it } from 'vitest';
import { findGpu } from '../../../model/engine/gpuCapability.js';
import { effectivePrecision } from '../../../model/engine/precision.js';
import { describeComputation, describeEngine } from '../../../pipeline/run/describeRun.js';

const cpuinfo = (flags: string) => `flags\t\t: ${flags}\n`;
const narrow = cpuinfo('avx2 avx512f avx512_bf16');
const plain = cpuinfo('avx2 fma');
const ada = 'NVIDIA GeForce RTX 4090, 8.9, 24564, GPU-5a1b\n';
const turing = 'Tesla T4, 7.5, 15360, GPU-7c2d\n';
const hardware = (text: string, answer: string, env: NodeJS.ProcessEnv = {}) => ({
  cpuinfo: () => text,
  gpu: () => findGpu(() => answer, {}),
  env,
});

it.each([
  ['float32', 'recorded', 'cpu', narrow, ada, 'float32', 'as asked'],
  ['bfloat16', 'recorded', 'cpu', narrow, ada, 'bfloat16', 'as asked'],
  ['bfloat16', 'eager', 'cpu', narrow, ada, 'float32', 'only recorded steps compute in bfloat16'],
  ['bfloat16', 'recorded', 'cpu', plain, ada, 'float32', 'the processor has none of avx512_bf16, amx_bf16'],
  ['bfloat16', 'recorded', 'gpu', plain, ada, 'bfloat16', 'as asked'],
  ['bfloat16', 'recorded', 'gpu', plain, turing, 'float32', 'Tesla T4 has compute capability 7.5, bfloat16 needs 8'],
  ['bfloat16', 'recorded', 'gpu', plain, '', 'float32', 'the driver does not say what the GPU can do'],
] as const)('%s in %s steps on the %s', (requested, step, device, text, answer, dtype, reason) => {
  expect(effectivePrecision(requested, step, device, hardware(text, answer))).toMatchObject({ dtype, reason });
});

it.each([
  ['float32', 'recorded', 'cpu', ada, {}, { products: 'float32' }],
  ['float32', 'recorded', 'gpu', ada, {}, { products: 'tf32', gpu: 'NVIDIA GeForce RTX 4090' }],
  ['float32', 'eager', 'gpu', ada, {}, { products: 'tf32', gpu: 'NVIDIA GeForce RTX 4090' }],
  [
    'float32',
    'recorded',
    'gpu',
    ada,
    { NVIDIA_TF32_OVERRIDE: '0' },
    { products: 'float32', gpu: 'NVIDIA GeForce RTX 4090' },
  ],
  [
    'float32',
    'recorded',
    'gpu',
    ada,
    { NVIDIA_TF32_OVERRIDE: '1' },
    { products: 'tf32', gpu: 'NVIDIA GeForce RTX 4090' },
  ],
  ['float32', 'recorded', 'gpu', turing, {}, { products: 'float32', gpu: 'Tesla T4' }],
  ['float32', 'recorded', 'gpu', '', {}, { products: 'float32' }],
  ['bfloat16', 'recorded', 'gpu', ada, {}, { products: 'bfloat16', gpu: 'NVIDIA GeForce RTX 4090' }],
  ['bfloat16', 'eager', 'gpu', ada, {}, { products: 'tf32', gpu: 'NVIDIA GeForce RTX 4090' }],
  ['bfloat16', 'recorded', 'gpu', turing, {}, { products: 'float32', gpu: 'Tesla T4' }],
] as const)(
  '%s in %s steps on the %s (%j with %o) multiplies in %o',
  (requested, step, device, answer, env, expected) => {
    const {
      dtype: _,
      reason: __,
      ...rest
    } = effectivePrecision(requested, step, device, hardware(narrow, answer, env));
    expect(rest).toEqual(expected);
  },
);

it('is printed and stored with the name of the GPU', () => {
  const precision = effectivePrecision('float32', 'recorded', 'gpu', hardware(plain, ada));
  const computation = { step: 'recorded', precision, operations: 'they have no kernels for GPUs' } as const;
  expect(describeComputation('float32', computation)).toBe(
    'steps recorded, products in tf32 on NVIDIA GeForce RTX 4090; own operations off: they have no kernels for GPUs',
  );
  expect(describeEngine({ amp_dtype: 'float32' }, {} as never, computation).dtype).toEqual({
    ...{ requested: 'float32', effective: 'float32', reason: 'as asked' },
    ...{ products: 'tf32', gpu: 'NVIDIA GeForce RTX 4090' },
  });
});

describe('the GPU', () => {
  const [first, second] = [
    { name: 'NVIDIA GeForce RTX 4090', computeCapability: 8.9, memoryMiB: 24564 },
    { name: 'Tesla T4', computeCapability: 7.5, memoryMiB: 15360 },
  ];

  it.each([
    [undefined, first],
    ['0', first],
    ['1', second],
    ['1,0', second],
    ['GPU-7c', second],
    ['GPU-5a1b,GPU-7c2d', first],
    ['', undefined],
    ['-1', undefined],
    ['NoDevFiles', undefined],
    ['2', undefined],
    ['GPU-99', undefined],
  ])('with CUDA_VISIBLE_DEVICES=%j is the first that it names', (CUDA_VISIBLE_DEVICES, gpu) => {
    expect(findGpu(() => `${ada}${turing}`, { CUDA_VISIBLE_DEVICES })).toEqual(gpu);
  });

  it('is none where there is no driver, or none for it', () => {
    const fails = () => {
      throw new Error('ENOENT');
    };
    expect(findGpu(fails, {})).toBeUndefined();
    expect(findGpu(() => 'No devices were found\n', {})).toBeUndefined();
  });
});
