import * as tf from '@tensorflow/tfjs';
import type { Precision } from './precision.js';
import { StepRunner } from './recording/stepRunner.js';
import { graphRecorder } from './startEngine.js';

/** Small matrices keep no hardware busy, and how large they must be depends on it. */
const SIZES = [1024, 2048, 4096, 8192];
/** A rate has settled when twice the size makes it no better than this. */
const GAIN = 1.05;
/** Nothing that takes so long waits for anything but its multiplications. */
const LONG_SECONDS = 0.05;
const REPEATS = 3;

/**
 * Floating-point operations a second that the engine reaches in products of large matrices: the yardstick for what a
 * training step makes of the hardware. Takes some tenths of a second.
 *
 * @param dtype in what the products of the training step are computed
 */
export function measureMatrixPeak(dtype: Precision['dtype']): number {
  return settledRate((size) => secondsOfProduct(size, dtype));
}

/** The rate of products of ever larger matrices, `secondsOf(size)` each, once it grows no more. */
export function settledRate(secondsOf: (size: number) => number): number {
  let best = 0;
  for (const size of SIZES) {
    const seconds = secondsOf(size);
    const rate = (2 * size ** 3) / seconds;
    const settled = rate < GAIN * best;
    best = Math.max(best, rate);
    if (settled || seconds > LONG_SECONDS) break;
  }
  return best;
}

/** As training does it: recorded where the engine records, with an operand that lies in its memory. */
function secondsOfProduct(size: number, dtype: Precision['dtype']): number {
  const matrix = tf.tidy(() => tf.variable(tf.fill([size, size], 0.5), false));
  const runner = new StepRunner({ variables: () => [matrix], recorder: graphRecorder() });
  const product = () => {
    const begun = performance.now();
    // All but one number stays where it is.
    const step = () => [tf.slice(tf.matMul(matrix as tf.Tensor2D, matrix as tf.Tensor2D), [0, 0], [1, 1])];
    runner.run('product', [], step, { bfloat16: dtype === 'bfloat16' });
    return (performance.now() - begun) / 1000;
  };
  try {
    product(); // records it
    return Math.min(...Array.from({ length: REPEATS }, product));
  } finally {
    runner.dispose();
    matrix.dispose();
  }
}
