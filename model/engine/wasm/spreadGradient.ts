import * as tf from '@tensorflow/tfjs';

/**
 * The gradient of a convolution's output `[B,h,w,F]`, laid out so that a plain 'valid' correlation of stride 1 with the
 * filter turned by 180° gives the gradient of its input: stride−1 zeros between neighbours, then a border that makes the
 * correlation a full one and leaves out what fell on the padding. `[B,H+kh−1,W+kw−1,F]` for an input of H×W.
 */
export function spreadGradient(dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { padInfo, effectiveFilterHeight, effectiveFilterWidth } = info;
  return place(spreadByStride(dy, info.strideHeight, info.strideWidth), {
    top: effectiveFilterHeight - 1 - padInfo.top,
    left: effectiveFilterWidth - 1 - padInfo.left,
    height: info.inHeight + effectiveFilterHeight - 1,
    width: info.inWidth + effectiveFilterWidth - 1,
  });
}

/** `[B,h,w,C]` with stride−1 zeros between neighbours: `[B,(h−1)·sh+1,(w−1)·sw+1,C]`. */
function spreadByStride(dy: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D {
  if (strideHeight === 1 && strideWidth === 1) return dy;
  const [batch, height, width, channels] = dy.shape;
  // Rows lie next to each other once W and C are one axis; a pad behind each row or column is the spreading.
  const columns = tf.pad(tf.reshape(dy, [batch * height * width, 1, channels]), [
    [0, 0],
    [0, strideWidth - 1],
    [0, 0],
  ]);
  const rowLength = width * strideWidth * channels;
  const rows = tf.pad(tf.reshape(columns, [batch * height, 1, rowLength]), [
    [0, 0],
    [0, strideHeight - 1],
    [0, 0],
  ]);
  const spread = tf.reshape(rows, [batch, height * strideHeight, width * strideWidth, channels]) as tf.Tensor4D;
  return tf.slice(spread, 0, [batch, (height - 1) * strideHeight + 1, (width - 1) * strideWidth + 1, channels]);
}

/** Puts `x [B,h,w,C]` at (top, left) into zeros of the given height and width; what falls outside is cut off. */
function place(x: tf.Tensor4D, target: { top: number; left: number; height: number; width: number }): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const rows = span(target.top, height, target.height);
  const columns = span(target.left, width, target.width);
  const visible = tf.slice(
    x,
    [0, rows.skip, columns.skip, 0],
    [batch, rows.count, columns.count, channels],
  ) as tf.Tensor4D;
  return tf.pad(visible, [[0, 0], rows.pad, columns.pad, [0, 0]]);
}

function span(offset: number, length: number, room: number): { skip: number; count: number; pad: [number, number] } {
  const skip = Math.max(0, -offset);
  const start = Math.max(0, offset);
  const count = Math.max(0, Math.min(length - skip, room - start));
  return { skip, count, pad: [start, room - start - count] };
}
