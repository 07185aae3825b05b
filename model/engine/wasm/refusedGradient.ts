import type * as tf from '@tensorflow/tfjs';

/**
 * Stands in for a gradient kernel of the wasm backend (4.22) that gives wrong numbers (some add into memory they never
 * cleared, one swaps height and width): an error is better than a wrong gradient. The model uses none of these.
 */
export function refusedGradient(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: () => {
      throw new Error(
        `${original.kernelName} gives wrong gradients on the wasm engine; train with the engine tensorflow instead`,
      );
    },
  };
}
