import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';

/** The same numbers, behind which nothing learns. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    () => tf.clone(x),
    (dy) => [tf.zerosLike(dy)],
  );
}
