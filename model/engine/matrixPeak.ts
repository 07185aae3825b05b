import * as tf from '@tensorflow/tfjs';

const SIZE = 1024;
const REPEATS = 8;

/**
 * Floating-point operations a second that the engine reaches in products of large float32 matrices: the yardstick for
 * what a training step makes of the hardware. Takes some tenths of a second.
 */
export function measureMatrixPeak(): number {
  return tf.tidy(() => {
    const a = tf.fill([SIZE, SIZE], 0.5) as tf.Tensor2D;
    const seconds = Array.from({ length: REPEATS }, () => {
      const begun = performance.now();
      tf.matMul(a, a).slice([0, 0], [1, 1]).dataSync();
      return (performance.now() - begun) / 1000;
    });
    return (2 * SIZE ** 3) / Math.min(...seconds);
  });
}
