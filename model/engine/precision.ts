import { BFLOAT16_CAPABILITY, findGpu, type Gpu } from './gpuCapability.js';
import { readCpuinfo } from './processorLevel.js';

export type Precision = { dtype: 'float32' | 'bfloat16'; reason: string };

/** Processor flags, as Linux names them, with which products of bfloat16 are faster than those of float32. */
const CPU_FLAGS = ['avx512_bf16', 'amx_bf16'];

/** What the hardware says of itself; asked for only where it matters. */
export type Hardware = { cpuinfo: () => string; gpu: () => Gpu | undefined };

/**
 * In what matrix products and convolutions of a training step compute: what was asked for, where steps are recorded and
 * the hardware multiplies bfloat16 by itself. In float32, GPUs since Ampere use TF32 inside products, TensorFlow's
 * default (not tried yet).
 *
 * @param step how steps are run
 */
export function effectivePrecision(
  requested: 'float32' | 'bfloat16' | 'float16',
  step: 'recorded' | 'eager',
  device: 'cpu' | 'gpu',
  { cpuinfo, gpu }: Hardware = { cpuinfo: readCpuinfo, gpu: findGpu },
): Precision {
  if (requested !== 'bfloat16') return { dtype: 'float32', reason: 'as asked' };
  if (step === 'eager') return { dtype: 'float32', reason: 'only recorded steps compute in bfloat16' };
  const missing = device === 'gpu' ? gpuFault(gpu()) : cpuFault(cpuinfo());
  return missing === undefined ? { dtype: 'bfloat16', reason: 'as asked' } : { dtype: 'float32', reason: missing };
}

function gpuFault(gpu: Gpu | undefined): string | undefined {
  if (!gpu) return 'the driver does not say what the GPU can do';
  const { name, computeCapability } = gpu;
  if (computeCapability >= BFLOAT16_CAPABILITY) return undefined;
  return `${name} has compute capability ${computeCapability}, bfloat16 needs ${BFLOAT16_CAPABILITY}`;
}

function cpuFault(cpuinfo: string): string | undefined {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? []);
  return CPU_FLAGS.some((flag) => flags.has(flag)) ? undefined : `the processor has none of ${CPU_FLAGS.join(', ')}`;
}
