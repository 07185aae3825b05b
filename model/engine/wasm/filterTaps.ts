import * as tf from '@tensorflow/tfjs';

type Conv2DInfo = tf.backend_util.Conv2DInfo;

/** The geometry of an NHWC convolution; the wasm backend computes no other layout. */
export function convolutionGeometry(
  xShape: number[],
  filterShape: number[],
  attrs: Pick<tf.Conv2DBackpropFilterAttrs, 'strides' | 'pad' | 'dimRoundingMode'>,
  dilations: number | [number, number],
  depthwise: boolean,
): Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    xShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attrs.strides,
    dilations,
    attrs.pad as number,
    attrs.dimRoundingMode,
    depthwise,
  );
}

/**
 * What each tap of a filter sees of `x [B,H,W,C]`: for every output place the padded input's value under that tap,
 * `[B,outHeight,outWidth,C]`, tap by tap in the filter's order. To be used inside a tidy.
 *
 * The padded input is dealt into stride×stride phases first, so that every tap is a plain slice of one phase: the
 * backend's strided slice takes its values one by one.
 */
export function* filterTaps(x: tf.Tensor4D, info: Conv2DInfo): Generator<tf.Tensor4D> {
  const { strideHeight, strideWidth, outHeight, outWidth } = info;
  const phases = dealIntoPhases(pad(x, info), strideHeight, strideWidth);
  for (let i = 0; i < info.filterHeight; i++) {
    for (let j = 0; j < info.filterWidth; j++) {
      const y = i * info.dilationHeight;
      const x = j * info.dilationWidth;
      const phase = phases[(y % strideHeight) * strideWidth + (x % strideWidth)] as tf.Tensor4D;
      yield cut(phase, Math.floor(y / strideHeight), Math.floor(x / strideWidth), outHeight, outWidth);
    }
  }
}

/** The convolution's padding, and below and right whatever makes every tap and every phase lie inside. */
function pad(x: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  const { top, left } = info.padInfo;
  const height = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const width = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  const below = upToMultiple(Math.max(height, top + info.inHeight), info.strideHeight) - top - info.inHeight;
  const beyond = upToMultiple(Math.max(width, left + info.inWidth), info.strideWidth) - left - info.inWidth;
  if (top + below + left + beyond === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [top, below],
    [left, beyond],
    [0, 0],
  ]);
}

/** `[B,H,W,C]` into its sh·sw phases `[B,H/sh,W/sw,C]`: phase (p, q) holds the rows p, p+sh, … and columns q, q+sw, … */
function dealIntoPhases(x: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D[] {
  if (strideHeight === 1 && strideWidth === 1) return [x];
  const [batch, height, width, channels] = x.shape;
  const rows = height / strideHeight;
  const columns = width / strideWidth;
  const split = tf.reshape(x, [batch, rows, strideHeight, columns, strideWidth, channels]);
  const dealt = tf.transpose(split, [2, 4, 0, 1, 3, 5]);
  const phases = tf.reshape(dealt, [strideHeight * strideWidth, batch * rows * columns * channels]);
  return tf.unstack(phases).map((phase) => tf.reshape(phase, [batch, rows, columns, channels]));
}

function cut(x: tf.Tensor4D, y: number, left: number, height: number, width: number): tf.Tensor4D {
  const [batch, rows, columns, channels] = x.shape;
  if (rows === height && columns === width) return x;
  // The backend copies a slice one innermost row at a time; a row of all columns and channels is a long one.
  const lines = tf.reshape(x, [batch, rows, columns * channels]);
  const part = tf.slice(lines, [0, y, left * channels], [batch, height, width * channels]);
  return tf.reshape(part, [batch, height, width, channels]);
}

function upToMultiple(length: number, of: number): number {
  return Math.ceil(length / of) * of;
}
