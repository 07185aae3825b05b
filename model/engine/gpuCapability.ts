import { execFileSync } from 'node:child_process';

/** An NVIDIA GPU, as its driver describes it. */
export type Gpu = { name: string; computeCapability: number; memoryMiB: number };

/** GPUs since Ampere, compute capability 8, multiply bfloat16 and, inside float32 products, TF32. */
export const AMPERE = 8;

const QUERY = ['--query-gpu=name,compute_cap,memory.total,uuid', '--format=csv,noheader,nounits'];
const TIMEOUT_MS = 10_000;

/**
 * The GPU that TensorFlow takes: the first that CUDA_VISIBLE_DEVICES names, by number or by the beginning of its UUID, or
 * the driver's first where the variable is not set. CUDA may count from the fastest GPU where the driver counts by slot, so
 * where GPUs differ and a number is given, CUDA_DEVICE_ORDER=PCI_BUS_ID makes the two agree.
 *
 * @returns undefined where there is no GPU, or no driver to ask. Not tried on a GPU yet.
 */
export function findGpu(ask: () => string = askDriver, env: NodeJS.ProcessEnv = process.env): Gpu | undefined {
  let answer: string;
  try {
    answer = ask();
  } catch {
    return undefined;
  }
  const rows = answer
    .trim()
    .split('\n')
    .map((row) => row.split(',').map((field) => field.trim()));
  const [name, capability, memory] = visibleRow(rows, env.CUDA_VISIBLE_DEVICES) ?? [];
  const gpu = { name: name ?? '', computeCapability: Number(capability), memoryMiB: Number(memory) };
  return gpu.name && gpu.computeCapability > 0 && gpu.memoryMiB > 0 ? gpu : undefined;
}

function visibleRow(rows: string[][], visible: string | undefined): string[] | undefined {
  if (visible === undefined) return rows[0];
  const first = visible.split(',')[0]!.trim();
  // CUDA stops at the first entry that it does not understand, so nothing or −1 hides all.
  if (/^\d+$/.test(first)) return rows[Number(first)];
  return first.startsWith('GPU-') ? rows.find(([, , , uuid]) => uuid?.startsWith(first)) : undefined;
}

function askDriver(): string {
  return execFileSync('nvidia-smi', QUERY, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
