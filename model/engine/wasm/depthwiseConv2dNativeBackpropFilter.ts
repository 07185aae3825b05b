import * as tf from '@tensorflow/tfjs';
import { convolutionGeometry, filterTaps } from './filterTaps.js';

/**
 * Gradient of a depthwise convolution with respect to its filter `[kh,kw,C,M]` (M outputs a channel): for every tap the
 * sum over batch and places of what the tap saw times the gradient of the output `[B,h,w,C·M]`.
 */
export const depthwiseConv2dNativeBackpropFilter: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor4D>;
    const { filterShape, dilations, ...convolution } = attrs as unknown as tf.DepthwiseConv2dNativeBackpropFilterAttrs;
    return tf.tidy(() => {
      const info = convolutionGeometry(x.shape, filterShape, convolution, dilations, true);
      const places = info.batchSize * info.outHeight * info.outWidth;
      const multiplier = info.outChannels / info.inChannels;
      const dyRows = tf.reshape(dy, [places, info.inChannels, multiplier]);
      const taps: tf.Tensor[] = [];
      for (const tap of filterTaps(x, info)) {
        const seen = tf.reshape(tap, [places, info.inChannels, 1]);
        taps.push(tf.tidy(() => tf.sum(tf.mul(seen, dyRows), 0)));
      }
      return tf.reshape(tf.stack(taps), filterShape);
    });
  },
};
