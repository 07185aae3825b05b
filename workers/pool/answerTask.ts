import { getHeapStatistics } from 'node:v8';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { untouchedBytes } from '../simd/linearMemory.js';
import { type Outcome, outcomeOfError, type ThreadUsage } from './outcome.js';

/** In a worker thread: does the work of one task and answers with its result, whose bytes are handed over uncopied. */
export async function answerTask<R extends { bytes: Uint8Array }>(work: () => Promise<R>): Promise<unknown> {
  const usage = meterThread();
  let outcome: Outcome<R> & { kind: 'pair' };
  try {
    outcome = { kind: 'pair', pair: await work(), usage: usage() };
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
