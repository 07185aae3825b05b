import { readCpuinfo } from './processorLevel.js';

export type Precision = { dtype: 'float32' | 'bfloat16'; reason: string };

/** Processor flags, as Linux names them, with which products of bfloat16 are faster than those of float32. */
const CPU_FLAGS = ['avx512_bf16', 'amx_bf16'];

/**
 * In what matrix products and convolutions of a training step compute: what was asked for, where steps are recorded and
 * the hardware multiplies bfloat16 by itself.
 *
 * @param step how steps are run
 * @param device for a GPU, bfloat16 is taken as asked: those since Ampere have it (not tried yet)
 */
export function effectivePrecision(
  requested: 'float32' | 'bfloat16' | 'float16',
  step: 'recorded' | 'eager',
  device: 'cpu' | 'gpu',
  cpuinfo: string = readCpuinfo(),
): Precision {
  if (requested !== 'bfloat16') return { dtype: 'float32', reason: 'as asked' };
  if (step === 'eager') return { dtype: 'float32', reason: 'only recorded steps compute in bfloat16' };
  if (device === 'gpu') return { dtype: 'bfloat16', reason: 'as asked' };
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? []);
  return CPU_FLAGS.some((flag) => flags.has(flag))
    ? { dtype: 'bfloat16', reason: 'as asked' }
    : { dtype: 'float32', reason: `the processor has none of ${CPU_FLAGS.join(', ')}` };
}
