import * as tf from '@tensorflow/tfjs';

/** The tensor `[..., C]` as a matrix `[rows, C]`; costs nothing where it already is one. */
export function asRows(x: tf.Tensor): tf.Tensor2D {
  return x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape(x, [-1, x.shape[x.rank - 1]]);
}

/** Undoes `asRows`: the shape of `like` with the last axis that `rows` has. */
export function likeShape<T extends tf.Tensor>(rows: tf.Tensor2D, like: T): T {
  if (like.rank === 2) return rows as unknown as T;
  return tf.reshape(rows, [...like.shape.slice(0, -1), rows.shape[1]]) as T;
}
