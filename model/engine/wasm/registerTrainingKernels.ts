import * as tf from '@tensorflow/tfjs';
import { avgPoolGrad } from './avgPoolGrad.js';
import { batchMatMul } from './batchMatMul.js';
import { conv2DBackpropFilter } from './conv2DBackpropFilter.js';
import { conv2DBackpropInput } from './conv2DBackpropInput.js';
import { depthwiseConv2dNativeBackpropFilter } from './depthwiseConv2dNativeBackpropFilter.js';
import { depthwiseConv2dNativeBackpropInput } from './depthwiseConv2dNativeBackpropInput.js';
import { elementwiseOfManyAxes } from './elementwiseOfManyAxes.js';
import { refusedGradient } from './refusedGradient.js';
import { unsortedSegmentSum } from './unsortedSegmentSum.js';

/** Kernels for training that `@tensorflow/tfjs-backend-wasm` lacks. */
const missing = [
  conv2DBackpropFilter,
  depthwiseConv2dNativeBackpropFilter,
  depthwiseConv2dNativeBackpropInput,
  unsortedSegmentSum,
];

/** Kernels that it has and that are wrong or slow for some inputs: what stands in front of each. */
const corrected: [string, (original: tf.KernelConfig) => tf.KernelConfig][] = [
  [tf.BatchMatMul, batchMatMul],
  [tf.AvgPoolGrad, avgPoolGrad],
  [tf.Conv2DBackpropInput, () => conv2DBackpropInput],
  [tf.MaxPoolGrad, refusedGradient],
  [tf.Conv3DBackpropFilterV2, refusedGradient],
  [tf.Conv3DBackpropInputV2, refusedGradient],
  [tf.ResizeBilinearGrad, refusedGradient],
  ...[tf.Add, tf.Sub, tf.Multiply, tf.RealDiv, tf.Maximum, tf.Minimum, tf.SquaredDifference].map(
    (name): [string, typeof elementwiseOfManyAxes] => [name, elementwiseOfManyAxes],
  ),
];

let registered = false;

/** Completes the wasm backend for training. To be called before the backend starts; a second call does nothing. */
export function registerTrainingKernels(): void {
  if (registered) return;
  registered = true;
  for (const kernel of missing) {
    if (!tf.getKernel(kernel.kernelName, 'wasm')) tf.registerKernel(kernel);
  }
  for (const [name, correct] of corrected) {
    const original = tf.getKernel(name, 'wasm');
    if (!original) continue;
    tf.unregisterKernel(name, 'wasm');
    tf.registerKernel(correct(original));
  }
}
