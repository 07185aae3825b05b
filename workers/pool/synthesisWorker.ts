import { getHeapStatistics } from 'node:v8';
import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { untouchedBytes } from '../simd/linearMemory.js';
import type { SynthesisTask } from '../synthesis/recipe.js';
import { guardNativeSections, nativeSection } from './nativeSection.js';
import { type Outcome, outcomeOfError, type ThreadUsage } from './outcome.js';

export type SynthesisWorkerData = { gate: SharedArrayBuffer };

const { gate } = (workerData ?? {}) as Partial<SynthesisWorkerData>;
if (gate) guardNativeSections(gate);
// Only now, since this loads native libraries.
const { synthesisePair } = await nativeSection(() => import('../synthesis/synthesisePair.js'));

/** Runs in a worker thread: makes one pair and hands its bytes over without copying them. */
export default async function synthesiseInWorker(task: SynthesisTask): Promise<unknown> {
  const usage = meterThread();
  let outcome: Outcome;
  try {
    outcome = { kind: 'pair', pair: await synthesisePair(task), usage: usage() };
  } catch (error) {
    return { ...outcomeOfError(error), usage: usage() };
  }
  return move({
    get [transferableSymbol as never]() {
      return [outcome.pair.bytes.buffer];
    },
    get [valueSymbol as never]() {
      return outcome;
    },
  } as never);
}

type CpuUsage = { user: number; system: number };
/** Node 22.16 and 24 have it. */
const threadCpuUsage = (process as { threadCpuUsage?: (since?: CpuUsage) => CpuUsage }).threadCpuUsage?.bind(process);

function meterThread(): () => ThreadUsage {
  const began = threadCpuUsage?.();
  return () => {
    const heap = getHeapStatistics();
    const heldBytes = heap.total_heap_size + heap.external_memory + heap.malloced_memory - untouchedBytes();
    const cpu = threadCpuUsage?.(began);
    return { heldBytes, ...(cpu && { cpuMs: (cpu.user + cpu.system) / 1000 }) };
  };
}
