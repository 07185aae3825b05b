import * as tf from '@tensorflow/tfjs';

/** Largest absolute difference between two lists of numbers; infinite when their lengths differ. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  // Written so that NaN counts as infinitely far.
  return Array.from(got).reduce((worst, value, i) => {
    const difference = Math.abs(value - want[i]);
    return difference <= worst ? worst : Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }, 0);
}

/** Reads a tensor's numbers and frees it. */
export function numbersOf(tensor: tf.Tensor): number[] {
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

/**
 * Gradients of `Σ weight⊙f(inputs)` against central differences along every coordinate.
 *
 * @returns the largest difference over the largest gradient, per input
 */
export function gradientErrors(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  weight: tf.Tensor,
  step = 1e-2,
): number[] {
  const objective = (...given: tf.Tensor[]) => tf.sum(tf.mul(f(...given), weight)) as tf.Scalar;
  return tf.tidy(() => {
    const gradients = tf.grads(objective)(inputs);
    return inputs.map((input, which) => {
      const values = input.dataSync().slice();
      const at = (i: number, shift: number) =>
        tf.tidy(() => {
          const moved = values.slice();
          moved[i] += shift;
          const given = inputs.map((other, k) => (k === which ? tf.tensor(moved, input.shape) : other));
          return objective(...given).dataSync()[0];
        });
      const differences = Array.from(values, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
      const gradient = gradients[which].dataSync();
      const scale = Math.max(...differences.map(Math.abs), 1e-3);
      return largestDifference(gradient, differences) / scale;
    });
  });
}
