import * as tf from '@tensorflow/tfjs';

/** Moves the values of `[G,T,K]` k < T steps later, filling the start. */
export function shiftLater(x: tf.Tensor, k: number, fill: number): tf.Tensor {
  return padTime(tf.slice(x, [0, 0, 0], [-1, (x.shape[1] as number) - k, -1]), [k, 0], fill);
}

/** Moves the values of `[G,T,K]` k < T steps earlier, filling the end. */
export function shiftEarlier(x: tf.Tensor, k: number, fill: number): tf.Tensor {
  return padTime(tf.slice(x, [0, k, 0], [-1, -1, -1]), [0, k], fill);
}

function padTime(x: tf.Tensor, width: [number, number], fill: number): tf.Tensor {
  return tf.pad(x, [[0, 0], width, [0, 0]], fill);
}
