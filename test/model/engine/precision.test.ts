import { expect, it } from 'vitest';
import { effectivePrecision } from '../../../model/engine/precision.js';

const cpuinfo = (flags: string) => `flags\t\t: ${flags}\n`;
const narrow = cpuinfo('avx2 avx512f avx512_bf16');
const plain = cpuinfo('avx2 fma');

it.each([
  ['float32', 'recorded', 'cpu', narrow, 'float32', 'as asked'],
  ['bfloat16', 'recorded', 'cpu', narrow, 'bfloat16', 'as asked'],
  ['bfloat16', 'eager', 'cpu', narrow, 'float32', 'only recorded steps compute in bfloat16'],
  ['bfloat16', 'recorded', 'cpu', plain, 'float32', 'the processor has none of avx512_bf16, amx_bf16'],
  ['bfloat16', 'recorded', 'gpu', plain, 'bfloat16', 'as asked'],
] as const)('%s in %s steps on the %s', (requested, step, device, text, dtype, reason) => {
  expect(effectivePrecision(requested, step, device, text)).toEqual({ dtype, reason });
});
