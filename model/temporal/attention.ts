import * as tf from '@tensorflow/tfjs';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';

/**
 * Multi-head self-attention over frames (Vaswani et al., 2017), without mask and without positional embedding: the
 * order of frames comes from the state-space blocks before it.
 */
export class Attention {
  readonly #heads: number;
  readonly #project: LinearParameters;
  readonly #combine: LinearParameters;

  constructor(scope: ParameterScope, channels: number, heads: number) {
    if (channels % heads !== 0) {
      throw new RangeError(`Expected a width divisible by ${heads} heads but received ${channels}`);
    }
    this.#heads = heads;
    this.#project = createLinear(scope.within('qkv'), channels, 3 * channels);
    this.#combine = createLinear(scope.within('proj'), channels, channels);
  }

  /** @param x `[B,T,C]` */
  forward(x: tf.Tensor3D): tf.Tensor3D {
    const [batch, steps, channels] = x.shape;
    const width = channels / this.#heads;
    const projected = tf.reshape(linear(x, this.#project), [batch, steps, 3, this.#heads, width]);
    const [query, key, value] = tf.unstack(tf.transpose(projected, [2, 0, 3, 1, 4]));
    const read = tf.matMul(attentionWeights(query as tf.Tensor4D, key as tf.Tensor4D), value);
    return linear(tf.reshape(tf.transpose(read, [0, 2, 1, 3]), x.shape), this.#combine);
  }
}

/**
 * `softmax(q·kᵀ/√d)`: how much each step reads from each other.
 *
 * @param query `[B,heads,T,d]`
 * @param key `[B,heads,T,d]`
 * @returns `[B,heads,T,T]`, rows sum to 1
 */
export function attentionWeights(query: tf.Tensor4D, key: tf.Tensor4D): tf.Tensor4D {
  const scale = query.shape[3] ** -0.5;
  return tf.softmax(tf.matMul(tf.mul(query, scale), key, false, true));
}
