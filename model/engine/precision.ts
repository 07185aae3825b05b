import { AMPERE, findGpu, type Gpu } from './gpuCapability.js';
import { readCpuinfo } from './processorLevel.js';

export type Precision = {
  /** In what operands of matrix products and convolutions of a training step are given. */
  dtype: 'float32' | 'bfloat16';
  reason: string;
  /** In what they are multiplied: a GPU may round float32 to TF32, which keeps 11 digits of the 24. */
  products: 'float32' | 'tf32' | 'bfloat16';
  /** The GPU's name, where one computes. */
  gpu?: string;
};

/** Processor flags, as Linux names them, with which products of bfloat16 are faster than those of float32. */
const CPU_FLAGS = ['avx512_bf16', 'amx_bf16'];

/** What the hardware says of itself; asked for only where it matters. */
export type Hardware = { cpuinfo: () => string; gpu: () => Gpu | undefined; env: NodeJS.ProcessEnv };

/**
 * In what matrix products and convolutions of a training step compute: what was asked for, where steps are recorded and
 * the hardware multiplies bfloat16 by itself. In float32, GPUs since Ampere use TF32 inside products, TensorFlow's
 * default, unless NVIDIA_TF32_OVERRIDE=0 forbids NVIDIA's libraries to (not tried yet).
 *
 * @param step how steps are run
 */
export function effectivePrecision(
  requested: 'float32' | 'bfloat16' | 'float16',
  step: 'recorded' | 'eager',
  device: 'cpu' | 'gpu',
  hardware: Hardware = { cpuinfo: readCpuinfo, gpu: findGpu, env: process.env },
): Precision {
  const gpu = device === 'gpu' ? hardware.gpu() : undefined;
  const named = gpu ? { gpu: gpu.name } : {};
  const float32 = (reason: string): Precision => ({
    ...{ dtype: 'float32', reason, products: gpu && usesTf32(gpu, hardware.env) ? 'tf32' : 'float32' },
    ...named,
  });
  if (requested !== 'bfloat16') return float32('as asked');
  if (step === 'eager') return float32('only recorded steps compute in bfloat16');
  const missing = device === 'gpu' ? gpuFault(gpu) : cpuFault(hardware.cpuinfo());
  if (missing !== undefined) return float32(missing);
  return { dtype: 'bfloat16', reason: 'as asked', products: 'bfloat16', ...named };
}

const usesTf32 = ({ computeCapability }: Gpu, { NVIDIA_TF32_OVERRIDE }: NodeJS.ProcessEnv): boolean =>
  computeCapability >= AMPERE && NVIDIA_TF32_OVERRIDE !== '0';

function gpuFault(gpu: Gpu | undefined): string | undefined {
  if (!gpu) return 'the driver does not say what the GPU can do';
  const { name, computeCapability } = gpu;
  if (computeCapability >= AMPERE) return undefined;
  return `${name} has compute capability ${computeCapability}, bfloat16 needs ${AMPERE}`;
}

function cpuFault(cpuinfo: string): string | undefined {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? []);
  return CPU_FLAGS.some((flag) => flags.has(flag)) ? undefined : `the processor has none of ${CPU_FLAGS.join(', ')}`;
}
