import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
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
      const value = clip(x);
      save([value]);
      return value;
    },
    (dy, [value]) => {
      if (ownOperationsInUse()) return ownOperation('StfRelu6Gradient', {}, [dy, value!], 2).slice(0, 1);
      return [passed(dy, value!)];
    },
  );
}

/**
 * `relu6(x + shift)`; its backward pass also sums the gradient of the shift while it has the numbers at hand.
 *
 * @param x `[...,C]`
 * @param shift `[C]`
 */
export function shiftedRelu6<T extends tf.Tensor>(x: T, shift: tf.Tensor1D): T {
  if (!ownOperationsInUse()) return relu6(tf.add(x, shift));
  return differentiable<T>(
    [x, shift],
    (save) => {
      const value = clip(tf.add(x, shift) as T);
      save([value]);
      return value;
    },
    (dy, [value]) => ownOperation('StfRelu6Gradient', {}, [dy, value!], 2),
  );
}

/** The operation Relu6 is one that the graph optimiser fuses with the product or convolution before it. */
function clip<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? tf.relu6(x) : tf.clipByValue(x, 0, CEILING);
}

/** What of dy the clipping lets through. */
function passed(dy: tf.Tensor, value: tf.Tensor): tf.Tensor {
  const inside = tf.logicalAnd(tf.greater(value, 0), tf.less(value, CEILING));
  return tf.mul(dy, tf.cast(inside, 'float32'));
}
