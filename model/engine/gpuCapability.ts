import { execFileSync } from 'node:child_process';

/** The first NVIDIA GPU, as its driver describes it. */
export type Gpu = { name: string; computeCapability: number; memoryMiB: number };

/** GPUs since Ampere (compute capability 8) multiply bfloat16 and, inside float32 products, TF32. */
export const BFLOAT16_CAPABILITY = 8;

const QUERY = ['--query-gpu=name,compute_cap,memory.total', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 10_000;

/** @returns undefined where there is no GPU, or no driver to ask. Not tried on a GPU yet. */
export function findGpu(ask: () => string = askDriver): Gpu | undefined {
  let answer: string;
  try {
    answer = ask();
  } catch {
    return undefined;
  }
  const [name, capability, memory] = (answer.trim().split('\n')[0] ?? '').split(',').map((field) => field.trim());
  const gpu = { name: name ?? '', computeCapability: Number(capability), memoryMiB: Number(memory) };
  return gpu.name && gpu.computeCapability > 0 && gpu.memoryMiB > 0 ? gpu : undefined;
}

function askDriver(): string {
  return execFileSync('nvidia-smi', QUERY, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
