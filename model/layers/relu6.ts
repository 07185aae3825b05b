import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

const CEILING = 6;

/**
 * `min(max(x, 0), 6)`, which keeps its result for the backward pass where tf.relu6 keeps what came in: the result is
 * kept by the next layer anyway.
 */
export function relu6<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      const value = tf.clipByValue(x, 0, CEILING);
      save([value]);
      return value;
    },
    (dy, [value]) => {
      const inside = tf.logicalAnd(tf.greater(value, 0), tf.less(value, CEILING));
      return [tf.mul(dy, tf.cast(inside, 'float32'))];
    },
  );
}
