import { expect, it } from 'vitest';
import { processorLevel, runsOn } from '../../../model/engine/processorLevel.js';

const cpuinfo = (flags: string) => `processor\t: 0\nflags\t\t: ${flags}\nbugs\t\t: none\n`;
const v3 = 'fpu sse2 avx avx2 bmi1 bmi2 f16c fma abm movbe';
const v4 = `${v3} avx512f avx512bw avx512cd avx512dq avx512vl`;

it.each([
  ['nothing that Linux says', '', 'x86-64'],
  ['an old processor', cpuinfo('fpu sse2 avx'), 'x86-64'],
  ['one without FMA', cpuinfo(v3.replace(' fma', '')), 'x86-64'],
  ['Haswell', cpuinfo(v3), 'x86-64-v3'],
  ['one with part of AVX-512', cpuinfo(`${v3} avx512f`), 'x86-64-v3'],
  ['one with AVX-512 and without AVX2', cpuinfo(v4.replace(' avx2', '')), 'x86-64'],
  ['Zen 4', cpuinfo(v4), 'x86-64-v4'],
] as const)('%s', (_, text, level) => {
  expect(processorLevel(text)).toBe(level);
});

it('a build runs where its level is reached', () => {
  expect(runsOn('x86-64-v3', 'x86-64-v4')).toBe(true);
  expect(runsOn('x86-64-v3', 'x86-64-v3')).toBe(true);
  expect(runsOn('x86-64-v4', 'x86-64-v3')).toBe(false);
});
