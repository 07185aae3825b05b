import * as tf from '@tensorflow/tfjs';

/**
 * Adds the slices `x[i]` into `segmentIds[i]` of `[numSegments, …]`; the gradient of gather. Ids outside
 * 0…numSegments−1 are dropped, as TensorFlow does (https://www.tensorflow.org/api_docs/python/tf/math/unsorted_segment_sum).
 */
export const unsortedSegmentSum: tf.KernelConfig = {
  kernelName: tf.UnsortedSegmentSum,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', tf.Tensor>;
    const { numSegments } = attrs as unknown as tf.UnsortedSegmentSumAttrs;
    return tf.tidy(() => {
      // Scattering checks no bounds, so strays go to a row of their own that is cut off again.
      const outside = tf.logicalOr(tf.less(segmentIds, 0), tf.greaterEqual(segmentIds, numSegments));
      const rows = tf.where(outside, tf.scalar(numSegments, 'int32'), segmentIds);
      const ids = x.shape[0] as number;
      const rest = x.shape.slice(1);
      const flat = tf.reshape(x, [ids, rest.reduce((product, size) => product * size, 1)]);
      const summed = tf.scatterND(tf.reshape(rows, [ids, 1]), flat, [numSegments + 1, flat.shape[1] as number]);
      return tf.reshape(tf.slice(summed, 0, [numSegments, -1]), [numSegments, ...rest]);
    });
  },
};
