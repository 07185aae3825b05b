import * as tf from '@tensorflow/tfjs';
import { EngineError } from './engineError.js';
import { readEngineRecord } from './engineRecord.js';
import { type EngineRequest, resolveEngineRequest } from './engineRequest.js';
import type { OwnAddon } from './ownAddon.js';
import { announceOwnOperations, useOwnOperations, whyNoOwnOperations } from './ownOperations.js';
import { type NativeEngine, startNativeEngine } from './startNativeEngine.js';
import { startWasmEngine } from './startWasmEngine.js';

/** The engine that computes: what it is, where it runs and why it was chosen. */
export type EngineInfo = {
  name: 'tensorflow' | 'wasm';
  /** Version of libtensorflow, or of the WebAssembly backend. */
  version: string;
  device: 'cpu' | 'gpu';
  /** Size of the compute pool where it is known: TF_NUM_INTRAOP_THREADS or the number of cores; 1 for wasm. */
  threads?: number;
  reason: string;
  /** Whether layers compute by our own operations: `on`, or why not. */
  operations: string;
};

let own: OwnAddon | undefined;
let device: EngineInfo['device'] = 'cpu';

/** Where the engine that was started computes. */
export const engineDevice = (): EngineInfo['device'] => device;

/** The recorder of graphs, where the engine that was started has one. */
export const graphRecorder = (): OwnAddon | undefined => (tf.getBackend() === 'tensorflow' ? own : undefined);

/**
 * Loads an engine and makes it TensorFlow.js' backend. Works in the main thread and in worker threads (see
 * setEngineEnvironment for what a worker cannot set by itself). Another call may switch to another engine; tensors stay
 * with the one that made them.
 *
 * `auto` takes STF_ENGINE if set, else what set-up chose, else the native engine if it loads, else wasm.
 *
 * @param kernels whether layers compute by our own operations where the engine has them (`engine.kernels`)
 * @throws EngineError if the engine that was asked for by name cannot be had.
 */
export async function startEngine(
  requested: EngineRequest = 'auto',
  { kernels = 'on' }: { kernels?: 'on' | 'off' } = {},
): Promise<EngineInfo> {
  useOwnOperations(kernels === 'on');
  const { engine, from } = resolveEngineRequest(requested);
  if (engine === 'wasm') return wasm(from);
  const record = readEngineRecord();
  if (engine === 'auto' && record?.engine === 'wasm') return wasm(`set-up chose wasm: ${record.reason}`);
  try {
    const native = await startNativeEngine();
    if (engine === 'tensorflow-cuda' && native.device !== 'gpu') {
      throw new EngineError(
        'The engine tensorflow-cuda was asked for, but TensorFlow sees no GPU: run `npm run setup -- --engine ' +
          'tensorflow-cuda` and check the NVIDIA driver with `nvidia-smi`.',
      );
    }
    return describe(native, engine === 'auto' ? reasonOfSetup(record?.reason) : from);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (engine !== 'auto') throw error instanceof EngineError ? error : new EngineError(message, { cause: error });
    return wasm(`the native engine does not load: ${message}`);
  }
}

function reasonOfSetup(reason: string | undefined): string {
  return reason === undefined ? 'the native engine loads' : `set-up chose it: ${reason}`;
}

function describe(native: NativeEngine, reason: string): EngineInfo {
  const { version, threads } = native;
  device = native.device;
  own = typeof native.own === 'string' ? undefined : native.own;
  // Our operations have kernels for the CPU only.
  const missing = device === 'gpu' ? 'they have no kernels for GPUs' : undefined;
  announceOwnOperations(typeof native.own === 'string' ? native.own : missing);
  return { name: 'tensorflow', version, device, threads, reason, operations: whyNoOwnOperations() ?? 'on' };
}

async function wasm(reason: string): Promise<EngineInfo> {
  await startWasmEngine();
  device = 'cpu';
  const operations = whyNoOwnOperations() ?? 'on';
  return { name: 'wasm', version: tf.version.tfjs, device: 'cpu', threads: 1, reason, operations };
}
