import * as tf from '@tensorflow/tfjs';
import { convolutionGeometry } from './filterTaps.js';
import { spreadGradient } from './spreadGradient.js';

/**
 * Gradient of a depthwise convolution with respect to its input `[B,H,W,C]`: the output's gradient, spread apart by the
 * stride, convolved with the filter turned by 180°. With M outputs a channel, each is convolved alone and the M are
 * added.
 */
export const depthwiseConv2dNativeBackpropInput: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropInput,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as Record<'dy' | 'filter', tf.Tensor4D>;
    const { inputShape, dilations, ...convolution } = attrs as unknown as tf.DepthwiseConv2dNativeBackpropInputAttrs;
    return tf.tidy(() => {
      const info = convolutionGeometry(inputShape, filter.shape, convolution, dilations, true);
      const spread = spreadGradient(dy, info);
      const multiplier = info.outChannels / info.inChannels;
      const turned = tf.reshape(tf.reverse(filter, [0, 1]), [
        info.filterHeight,
        info.filterWidth,
        info.outChannels,
        1,
      ]) as tf.Tensor4D;
      const perOutput = tf.depthwiseConv2d(spread, turned, 1, 'valid', 'NHWC', [
        info.dilationHeight,
        info.dilationWidth,
      ]);
      if (multiplier === 1) return perOutput;
      const grouped = tf.reshape(perOutput, [
        info.batchSize * info.inHeight * info.inWidth,
        info.inChannels,
        multiplier,
      ]);
      return tf.reshape(tf.sum(grouped, 2), inputShape);
    });
  },
};
