import * as tf from '@tensorflow/tfjs';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { differentiable } from '../layers/differentiable.js';
import { analysisMatrix, type Boundary } from './symlet2.js';

/**
 * One level of the three-dimensional wavelet transform as three constant matrix products. The result holds the eight
 * bands as octants: along time, height and width alike the first half is low-pass, the second half high-pass. No
 * coefficient mixes two segments of the clip. Always in float32: the flicker energies are differences that bfloat16
 * would drown.
 *
 * @param x rows `[B·T·H·W, C]` of the grid; T per segment, H and W even
 * @returns `[B,T,H,W,C]`
 */
export function waveletTransform(
  x: tf.Tensor,
  grid: ClipGrid,
  boundary: Boundary,
  constants: ConstantCache,
): tf.Tensor5D {
  const { batch, frames, height, width, segments } = grid;
  const channels = x.shape[x.rank - 1];
  const matrix = (length: number, runs: number) =>
    constants.get(`wavelet ${length} ${runs} ${boundary}`, () =>
      tf.tensor3d(analysisMatrix(length, boundary, runs), [1, length, length]),
    );
  const axes = [
    { matrix: matrix(frames, segments), lines: [batch, frames, height * width * channels] },
    { matrix: matrix(height, 1), lines: [batch * frames, height, width * channels] },
    { matrix: matrix(width, 1), lines: [batch * frames * height, width, channels] },
  ];
  // One unit of the tape, since the backward pass of a constant linear map needs none of its inputs.
  return differentiable<tf.Tensor>(
    [x],
    () => {
      const octants = inFloat32(() =>
        axes.reduce((y, { matrix, lines }) => tf.matMul(matrix, tf.reshape(y, lines)), x),
      );
      return tf.reshape(octants, [batch, frames, height, width, channels]);
    },
    (dy) => {
      const dx = inFloat32(() =>
        axes.reduceRight((g, { matrix, lines }) => tf.matMul(matrix, tf.reshape(g, lines), true), dy),
      );
      return [tf.reshape(dx, x.shape)];
    },
  ) as tf.Tensor5D;
}

/** The temporal high-pass bands, each `[B·T/2, H/2, W/2, C]`; letters stand for time, height, width. */
export type FlickerBands = { hll: tf.Tensor4D; hlh: tf.Tensor4D; hhl: tf.Tensor4D; hhh: tf.Tensor4D };

/**
 * Cuts the temporal high-pass half out of a transform. Halving axis after axis keeps the gradient a concatenation;
 * one slice per band would pad each band's gradient to full size.
 */
export function flickerBands(transform: tf.Tensor5D): FlickerBands {
  const [batch, frames, height, width, channels] = transform.shape;
  const images = (batch * frames) / 2;
  const temporalHigh = tf.slice(
    tf.reshape(transform, [batch, 2, (frames / 2) * height * width * channels]),
    [0, 1, 0],
    [-1, 1, -1],
  );
  const [rowsLow, rowsHigh] = halve(temporalHigh, images, (height / 2) * width * channels);
  const band = (x: tf.Tensor) => tf.reshape(x, [images, height / 2, width / 2, channels]) as tf.Tensor4D;
  const columns = (rows: tf.Tensor) => halve(rows, (images * height) / 2, (width / 2) * channels).map(band);
  const [hll, hlh] = columns(rowsLow);
  const [hhl, hhh] = columns(rowsHigh);
  return { hll, hlh, hhl, hhh };
}

function halve(x: tf.Tensor, lines: number, halfLine: number): tf.Tensor[] {
  return tf.split(tf.reshape(x, [lines, 2, halfLine]), 2, 1);
}
