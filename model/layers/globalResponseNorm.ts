import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';

/** Keeps the derivative of a norm finite where a channel is exactly zero. */
const ROOT_EPSILON = 1e-12;
/** Added to the mean norm, as in ConvNeXt V2 (Woo et al., 2023). */
const EPSILON = 1e-6;

export type ResponseNormParameters = { gamma: tf.Tensor; beta: tf.Tensor };

/**
 * Global response normalisation (Woo et al., ConvNeXt V2, 2023, algorithm 1): channels compete by their norm over an
 * image. `G_c = ‖y_c‖`, `N_c = G_c/(mean G + 1e-6)`, result `γ·(y·N) + β + y`.
 *
 * @param x rows `[images·positions, C]`
 * @param images how many images the rows belong to
 */
export function globalResponseNorm(x: tf.Tensor2D, images: number, parameters: ResponseNormParameters): tf.Tensor2D {
  return ownOperationsInUse() ? fusedResponseNorm(x, images, parameters) : composedResponseNorm(x, images, parameters);
}

function fusedResponseNorm(x: tf.Tensor2D, images: number, { gamma, beta }: ResponseNormParameters): tf.Tensor2D {
  const attributes = {
    images: { kind: 'int', value: images },
    root_epsilon: { kind: 'float', value: ROOT_EPSILON },
    epsilon: { kind: 'float', value: EPSILON },
  } as const;
  return differentiable<tf.Tensor2D>(
    [x, gamma, beta],
    (save) => {
      const [y, norm] = ownOperation('StfGlobalResponseNorm', attributes, [x, gamma, beta], 2);
      save([x, gamma, norm]);
      return y as tf.Tensor2D;
    },
    (dy, saved) => {
      const [dx, dParameters] = ownOperation('StfGlobalResponseNormGradient', attributes, [dy, ...saved], 2);
      const [dGamma, dBeta] = tf.unstack(dParameters);
      return [dx, dGamma, dBeta];
    },
  );
}

function composedResponseNorm(x: tf.Tensor2D, images: number, { gamma, beta }: ResponseNormParameters): tf.Tensor2D {
  const channels = x.shape[1];
  const byImage = (rows: tf.Tensor) => tf.reshape(rows, [images, -1, channels]);
  return differentiable<tf.Tensor2D>(
    [x, gamma, beta],
    (save) => {
      const y = byImage(x);
      const norm = tf.sqrt(tf.add(tf.sum(tf.square(y), 1, true), ROOT_EPSILON));
      const mean = tf.add(tf.mean(norm, 2, true), EPSILON);
      const factor = tf.add(tf.mul(tf.div(norm, mean), gamma), 1);
      save([x, norm, mean, factor, gamma]);
      return tf.reshape(tf.add(tf.mul(y, factor), beta), x.shape);
    },
    (dy, [input, norm, mean, factor, scale]) => {
      const [y, dOut] = [byImage(input), byImage(dy)];
      const products = tf.sum(tf.mul(dOut, y), 1, true);
      const dRatio = tf.mul(products, scale);
      // N_c depends on its own norm and, through the mean, on those of all channels.
      const shared = tf.div(tf.sum(tf.mul(dRatio, norm), 2, true), tf.mul(tf.square(mean), channels));
      const dNorm = tf.sub(tf.div(dRatio, mean), shared);
      const dx = tf.add(tf.mul(dOut, factor), tf.mul(y, tf.div(dNorm, norm)));
      const dGamma = tf.sum(tf.mul(products, tf.div(norm, mean)), [0, 1]);
      return [tf.reshape(dx, input.shape), dGamma, tf.sum(dy, 0)];
    },
  );
}
