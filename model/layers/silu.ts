import * as tf from '@tensorflow/tfjs';

/** The sigmoid-weighted linear unit `x·σ(x)` (Elfwing, Uchibe and Doya, 2017). */
export function silu<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x));
}
