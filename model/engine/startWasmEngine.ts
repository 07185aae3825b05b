import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { EngineError } from './engineError.js';
import { registerTrainingKernels } from './wasm/registerTrainingKernels.js';

const require = createRequire(import.meta.url);

/**
 * Makes the WebAssembly backend TensorFlow.js' backend, with the kernels added that training needs and it lacks.
 *
 * It runs on one thread: the backend's threaded build does not work in Node
 * (https://github.com/tensorflow/tfjs/issues/3830). SIMD is used where the processor has it. One thread and a fixed
 * binary add in a fixed order, so results repeat bit for bit.
 * @throws EngineError if the WebAssembly module does not start.
 */
export async function startWasmEngine(): Promise<void> {
  if (tf.getBackend() === 'wasm') return;
  setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  registerTrainingKernels();
  if (!(await tf.setBackend('wasm'))) throw new EngineError('the WebAssembly backend did not start; run `npm ci`');
}
