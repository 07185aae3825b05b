import * as tf from '@tensorflow/tfjs';

/**
 * Gradient of average pooling, in front of the wasm backend's own kernel: where padding makes a window reach past the
 * edge, the forward pass divides by the values that lie inside, but that kernel divides by the whole window (4.22).
 */
export function avgPoolGrad(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, input } = inputs as Record<'dy' | 'input', tf.Tensor4D>;
      const { filterSize, strides, pad } = attrs as unknown as tf.AvgPoolGradAttrs;
      const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad);
      const { top, bottom, left, right } = info.padInfo;
      if (top + bottom + left + right === 0) return original.kernelFunc({ inputs, attrs, backend });
      return tf.tidy(() => {
        const ones = tf.ones([1, info.inHeight, info.inWidth, 1]) as tf.Tensor4D;
        const window = tf.ones([info.filterHeight, info.filterWidth, 1, 1]) as tf.Tensor4D;
        const inside = tf.conv2d(ones, window, [info.strideHeight, info.strideWidth], pad as number);
        const scale = tf.div(info.filterHeight * info.filterWidth, inside);
        const corrected = { dy: tf.mul(dy, scale), input };
        const dx = original.kernelFunc({ inputs: corrected, attrs, backend }) as tf.TensorInfo;
        return tf.engine().makeTensorFromTensorInfo(dx);
      });
    },
  };
}
