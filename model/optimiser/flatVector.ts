import * as tf from '@tensorflow/tfjs';

/**
 * Many tensors as one vector, so that an optimiser step is a few large operations and not a dozen small ones for each
 * of some hundred tensors.
 */
export const flatten = (tensors: readonly tf.Tensor[]): tf.Tensor1D =>
  tf.tidy(() => tf.concat1d(tensors.map((tensor) => tensor.reshape([tensor.size]) as tf.Tensor1D)));

/** The inverse: pieces of `vector [Σ sizes]` in the given shapes. */
export const unflatten = (vector: tf.Tensor1D, shapes: readonly number[][]): tf.Tensor[] =>
  tf.tidy(() => {
    const sizes = shapes.map((shape) => shape.reduce((product, n) => product * n, 1));
    return tf.split(vector, sizes).map((piece, i) => piece.reshape(shapes[i]!));
  });
