import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';

const CEILING = 6;

/**
 * `min(max(x, 0), 6)`, which keeps its result for the backward pass where tf.relu6 keeps what came in: the result is
 * kept by the next layer anyway. NaN passes through.
 *
 * @param x `[...,C]`
 */
export function relu6<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? fusedRelu6(x, tf.zeros([x.shape.at(-1)!])) : composedRelu6(x);
}

/**
 * `relu6(x + shift)` in one pass where our own operations are in use; so is its gradient.
 *
 * @param x `[...,C]`
 * @param shift `[C]`
 */
export function shiftedRelu6<T extends tf.Tensor>(x: T, shift: tf.Tensor1D): T {
  return ownOperationsInUse() ? fusedRelu6(x, shift) : composedRelu6(tf.add(x, shift));
}

function fusedRelu6<T extends tf.Tensor>(x: T, shift: tf.Tensor1D): T {
  return differentiable<T>(
    [x, shift],
    (save) => {
      const [value] = ownOperation('StfRelu6', {}, [x, shift], 1) as [T];
      save([value]);
      return value;
    },
    (dy, [value]) => ownOperation('StfRelu6Gradient', {}, [dy, value!], 2),
  );
}

function composedRelu6<T extends tf.Tensor>(x: T): T {
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
