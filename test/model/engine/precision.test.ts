import { expect, it } from 'vitest';
import { findGpu } from '../../../model/engine/gpuCapability.js';
import { effectivePrecision } from '../../../model/engine/precision.js';

const cpuinfo = (flags: string) => `flags\t\t: ${flags}\n`;
const narrow = cpuinfo('avx2 avx512f avx512_bf16');
const plain = cpuinfo('avx2 fma');
const ada = 'NVIDIA GeForce RTX 4090, 8.9, 24564\n';
const turing = 'Tesla T4, 7.5, 15360\n';

it.each([
  ['float32', 'recorded', 'cpu', narrow, ada, 'float32', 'as asked'],
  ['bfloat16', 'recorded', 'cpu', narrow, ada, 'bfloat16', 'as asked'],
  ['bfloat16', 'eager', 'cpu', narrow, ada, 'float32', 'only recorded steps compute in bfloat16'],
  ['bfloat16', 'recorded', 'cpu', plain, ada, 'float32', 'the processor has none of avx512_bf16, amx_bf16'],
  ['bfloat16', 'recorded', 'gpu', plain, ada, 'bfloat16', 'as asked'],
  ['bfloat16', 'recorded', 'gpu', plain, turing, 'float32', 'Tesla T4 has compute capability 7.5, bfloat16 needs 8'],
  ['bfloat16', 'recorded', 'gpu', plain, '', 'float32', 'the driver does not say what the GPU can do'],
] as const)('%s in %s steps on the %s', (requested, step, device, text, answer, dtype, reason) => {
  const hardware = { cpuinfo: () => text, gpu: () => findGpu(() => answer) };
  expect(effectivePrecision(requested, step, device, hardware)).toEqual({ dtype, reason });
});

it('takes the first GPU that the driver names, and none where there is no driver', () => {
  expect(findGpu(() => `${ada}${turing}`)).toEqual({
    name: 'NVIDIA GeForce RTX 4090',
    computeCapability: 8.9,
    memoryMiB: 24564,
  });
  const fails = () => {
    throw new Error('ENOENT');
  };
  expect(findGpu(fails)).toBeUndefined();
  expect(findGpu(() => 'No devices were found\n')).toBeUndefined();
});
