import * as tf from '@tensorflow/tfjs';

/** Mean and standard deviation of ImageNet's pixels (Deng et al., 2009) for values in [0,1]. */
const PIXEL_MEAN = [0.485, 0.456, 0.406];
const PIXEL_DEVIATION = [0.229, 0.224, 0.225];
const BYTE_MAX = 255;

const means = () => tf.tensor1d(PIXEL_MEAN.map((mean) => BYTE_MAX * mean));
const scales = () => tf.tensor1d(PIXEL_DEVIATION.map((deviation) => 1 / (BYTE_MAX * deviation)));

/** Frames `[N,H,W,3]` of 0..255 as deviations from ImageNet's mean in units of its standard deviation. */
export function normaliseColours(frames: tf.Tensor4D): tf.Tensor4D {
  return tf.mul(tf.sub(frames, means()), scales());
}

/**
 * Kernel `[h,w,3,C]` and bias of a convolution over plain 0..255 pixels that gives what the given one gives over
 * normalised ones. Exact where the convolution has no zero border; it spares two passes over the largest tensor of a
 * step.
 */
export function foldColourNormalisation({ kernel, bias }: { kernel: tf.Tensor; bias: tf.Tensor }): {
  kernel: tf.Tensor;
  bias: tf.Tensor;
} {
  const scaled = tf.mul(kernel, scales().reshape([1, 1, -1, 1]));
  const offset = tf.sum(tf.mul(scaled, means().reshape([1, 1, -1, 1])), [0, 1, 2]);
  return { kernel: scaled, bias: tf.sub(bias, offset) };
}
