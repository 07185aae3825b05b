import * as tf from '@tensorflow/tfjs';

/** XNNPACK, on which the wasm backend's arithmetic rests, knows tensors of up to six axes (XNN_MAX_TENSOR_DIMS). */
const MOST_AXES = 6;

/**
 * Arithmetic on two tensors, in front of the wasm backend's own kernel, which with more than six axes prints a note and
 * hands back memory it never wrote. Equal shapes and single numbers need no axes at all; anything else is refused.
 */
export function elementwiseOfManyAxes(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: (params) => {
      const { a, b } = params.inputs as Record<'a' | 'b', tf.Tensor>;
      if (Math.max(a.shape.length, b.shape.length) <= MOST_AXES) return original.kernelFunc(params);
      if (String(a.shape) !== String(b.shape) && Math.min(size(a.shape), size(b.shape)) !== 1) {
        throw new Error(
          `Expected equal shapes or at most ${MOST_AXES} axes for ${original.kernelName} on the wasm engine but ` +
            `received [${a.shape}] and [${b.shape}]`,
        );
      }
      return tf.tidy(() => {
        const inputs = { a: tf.reshape(a, [-1]), b: tf.reshape(b, [-1]) };
        const flat = original.kernelFunc({ ...params, inputs }) as tf.TensorInfo;
        return tf.reshape(
          tf.engine().makeTensorFromTensorInfo(flat),
          tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape),
        );
      });
    },
  };
}

function size(shape: number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
