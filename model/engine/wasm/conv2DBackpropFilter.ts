import * as tf from '@tensorflow/tfjs';
import { convolutionGeometry, filterTap, padForTaps } from './filterTap.js';

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
      const padded = padForTaps(x, info);
      const dyRows = tf.reshape(dy, [places, info.outChannels]);
      const taps: tf.Tensor[] = [];
      for (let i = 0; i < info.filterHeight; i++) {
        for (let j = 0; j < info.filterWidth; j++) {
          const tap = tf.reshape(filterTap(padded, info, i, j), [places, info.inChannels]);
          taps.push(tf.matMul(tap, dyRows, true));
        }
      }
      return tf.reshape(tf.stack(taps), filterShape);
    });
  },
};
