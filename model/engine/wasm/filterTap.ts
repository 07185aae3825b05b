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

/** `x [B,H,W,C]` with the convolution's padding, so that every tap of the filter lies inside. */
export function padForTaps(x: tf.Tensor4D, info: Conv2DInfo): tf.Tensor4D {
  const { top, bottom, left, right } = info.padInfo;
  // Rounding up the output (dimRoundingMode 'ceil') makes the last window reach past the padding.
  const rows = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const columns = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  const below = Math.max(bottom, rows - info.inHeight - top);
  const beyond = Math.max(right, columns - info.inWidth - left);
  if (top + below + left + beyond === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [top, below],
    [left, beyond],
    [0, 0],
  ]);
}

/**
 * What tap `(i, j)` of the filter sees: for every output place the padded input's value under that tap,
 * `[B,outHeight,outWidth,C]`.
 */
export function filterTap(padded: tf.Tensor4D, info: Conv2DInfo, i: number, j: number): tf.Tensor4D {
  const y = i * info.dilationHeight;
  const x = j * info.dilationWidth;
  const height = (info.outHeight - 1) * info.strideHeight + 1;
  const width = (info.outWidth - 1) * info.strideWidth + 1;
  const [batch, paddedHeight, paddedWidth, channels] = padded.shape;
  if (height === paddedHeight && width === paddedWidth && info.strideHeight * info.strideWidth === 1) return padded;
  if (info.strideHeight === 1 && info.strideWidth === 1) {
    // The backend copies a slice one innermost row at a time; a row of all columns and channels is a long one.
    const rows = tf.reshape(padded, [batch, paddedHeight, paddedWidth * channels]);
    const cut = tf.slice(rows, [0, y, x * channels], [batch, height, width * channels]);
    return tf.reshape(cut, [batch, height, width, channels]);
  }
  return tf.stridedSlice(
    padded,
    [0, y, x, 0],
    [batch, y + height, x + width, channels],
    [1, info.strideHeight, info.strideWidth, 1],
  ) as tf.Tensor4D;
}
