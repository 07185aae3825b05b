import * as tf from '@tensorflow/tfjs';
import { convolutionGeometry, filterTaps } from './filterTaps.js';

/**
 * Gradient of a convolution with respect to its filter `[kh,kw,C,F]`.
 *
 * The convolution is a product of patches and filter, so the gradient is patchesᵀ·dy. It is taken one filter tap at a
 * time, `[C,F] = tapᵀ·dy` with tap `[B·h·w,C]` and dy `[B·h·w,F]`: the whole patch matrix would be kh·kw times the input.
 */
export const conv2DBackpropFilter: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropFilter,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor4D>;
    const { filterShape, ...convolution } = attrs as unknown as tf.Conv2DBackpropFilterAttrs;
    return tf.tidy(() => {
      const info = convolutionGeometry(x.shape, filterShape, convolution, 1, false);
      const places = info.batchSize * info.outHeight * info.outWidth;
      const dyRows = tf.reshape(dy, [places, info.outChannels]);
      const taps: tf.Tensor[] = [];
      for (const tap of filterTaps(x, info)) {
        taps.push(tf.matMul(tf.reshape(tap, [places, info.inChannels]), dyRows, true));
      }
      return tf.reshape(tf.stack(taps), filterShape);
    });
  },
};
