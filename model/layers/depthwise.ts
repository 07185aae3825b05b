import * as tf from '@tensorflow/tfjs';
import { type OperationAttributes, ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';
import { relu6, shiftedRelu6 } from './relu6.js';

/** Edges of kernels that our own operation knows. */
const KNOWN_EDGES = [3, 5, 7];

/**
 * A depthwise convolution of images with zero borders (TensorFlow's `same`), what is added to it and what follows, in
 * one pass where our own operations are in use.
 *
 * @param x `[N,H,W,C]`
 * @param kernel `[K,K,C,1]`
 * @param shift `[C]`, none if undefined
 * @returns `[N,⌈H/stride⌉,⌈W/stride⌉,C]`
 */
export function depthwise(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  shift: tf.Tensor1D | undefined,
  stride: 1 | 2,
  activation?: 'relu6',
): tf.Tensor4D {
  const [edge, other] = kernel.shape;
  const known = edge === other && KNOWN_EDGES.includes(edge);
  if (known && ownOperationsInUse()) {
    return fusedDepthwise(x, kernel, shift ?? tf.zeros([x.shape[3]]), stride, activation === 'relu6');
  }
  const y = tf.depthwiseConv2d(x, kernel, stride, 'same');
  if (activation === 'relu6') return shift ? shiftedRelu6(y, shift) : relu6(y);
  return shift ? tf.add(y, shift) : y;
}

function fusedDepthwise(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  shift: tf.Tensor1D,
  stride: 1 | 2,
  clipped: boolean,
): tf.Tensor4D {
  const attributes: OperationAttributes = {
    stride: { kind: 'int', value: stride },
    clipped: { kind: 'bool', value: clipped },
  };
  return differentiable<tf.Tensor4D>(
    [x, kernel, shift],
    (save) => {
      const [y] = ownOperation('StfDepthwise', attributes, [x, kernel, shift], 1) as [tf.Tensor4D];
      save(clipped ? [y, x, kernel] : [x, kernel]);
      return y;
    },
    // Where nothing is clipped, y is not read: dy stands in its place.
    (dy, saved) => ownOperation('StfDepthwiseGradient', attributes, clipped ? [dy, ...saved] : [dy, dy, ...saved], 3),
  );
}
