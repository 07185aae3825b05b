import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import { differentiable } from './differentiable.js';
import type { ParameterScope } from './parameterScope.js';
import { asRows, likeShape } from './rows.js';

/** Added to the variance, as in ConvNeXt V2 (Woo et al., 2023). */
const EPSILON = 1e-6;

export type LayerNormParameters = { gamma: tf.Variable; beta: tf.Variable };

export function createLayerNorm(scope: ParameterScope, channels: number): LayerNormParameters {
  return { gamma: scope.ones('gamma', [channels]), beta: scope.zeros('beta', [channels]) };
}

/**
 * Layer normalisation (Ba, Kiros and Hinton, 2016) over the last axis, biased variance: `(x−μ)/√(σ²+1e-6)·γ+β`.
 *
 * @param x `[..., C]`
 */
export function layerNorm<T extends tf.Tensor>(x: T, parameters: LayerNormParameters): T {
  return ownOperationsInUse() ? fusedLayerNorm(x, parameters) : composedLayerNorm(x, parameters);
}

function fusedLayerNorm<T extends tf.Tensor>(x: T, { gamma, beta }: LayerNormParameters): T {
  return differentiable<T>(
    [x, gamma, beta],
    (save) => {
      const attributes = { epsilon: { kind: 'float', value: EPSILON } } as const;
      const [y, mean, inverseDeviation] = ownOperation('StfLayerNorm', attributes, [x, gamma, beta], 3);
      save([x, gamma, mean, inverseDeviation]);
      return y as T;
    },
    (dy, saved) => {
      const [dx, dParameters] = ownOperation('StfLayerNormGradient', {}, [dy, ...saved], 2);
      const [dGamma, dBeta] = tf.unstack(dParameters);
      return [dx, dGamma, dBeta];
    },
  );
}

function composedLayerNorm<T extends tf.Tensor>(x: T, { gamma, beta }: LayerNormParameters): T {
  const channels = x.shape[x.rank - 1];
  return differentiable<T>(
    [x, gamma, beta],
    (save) => {
      const { normalised, inverseDeviation } = normalise(asRows(x));
      save([normalised, inverseDeviation, gamma]);
      return likeShape(tf.add(tf.mul(normalised, gamma), beta) as tf.Tensor2D, x);
    },
    (dy, [normalised, inverseDeviation, scale]) => {
      const rows = asRows(dy);
      const product = tf.mul(rows, normalised);
      // Row means of dy⊙γ and dy⊙γ⊙x̂ as products with a column: neither dy⊙γ nor its reduction is a pass of its own.
      const column = tf.reshape(tf.div(scale, channels), [channels, 1]) as tf.Tensor2D;
      const [mean, correlation] = inFloat32(() => [rows, product as tf.Tensor2D].map((x) => tf.matMul(x, column)));
      const dx = normaliseGradient(tf.mul(rows, scale), mean, correlation, normalised, inverseDeviation);
      return [likeShape(dx, dy), tf.sum(product, 0), tf.sum(rows, 0)];
    },
  );
}

/**
 * Layer normalisation without scale and shift.
 *
 * @param x `[..., C]`
 */
export function standardise<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? fusedStandardise(x) : composedStandardise(x);
}

/** The same operation as layerNorm's: beside x, a scale of ones and a shift of zeros cost nothing. */
function fusedStandardise<T extends tf.Tensor>(x: T): T {
  const channels = x.shape[x.rank - 1];
  return differentiable<T>(
    [x],
    (save) => {
      const attributes = { epsilon: { kind: 'float', value: EPSILON } } as const;
      const ones = tf.ones([channels]);
      const [y, mean, inverseDeviation] = ownOperation('StfLayerNorm', attributes, [x, ones, tf.zeros([channels])], 3);
      save([x, ones, mean, inverseDeviation]);
      return y as T;
    },
    (dy, saved) => [ownOperation('StfLayerNormGradient', {}, [dy, ...saved], 2)[0]],
  );
}

function composedStandardise<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      const { normalised, inverseDeviation } = normalise(asRows(x));
      save([normalised, inverseDeviation]);
      return likeShape(normalised, x);
    },
    (dy, [normalised, inverseDeviation]) => {
      const rows = asRows(dy);
      const correlation = tf.mean(tf.mul(rows, normalised), 1, true);
      const dx = normaliseGradient(rows, tf.mean(rows, 1, true), correlation, normalised, inverseDeviation);
      return [likeShape(dx, dy)];
    },
  );
}

function normalise(rows: tf.Tensor2D): { normalised: tf.Tensor2D; inverseDeviation: tf.Tensor } {
  const centred = tf.sub(rows, tf.mean(rows, 1, true));
  const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), EPSILON));
  return { normalised: tf.mul(centred, inverseDeviation), inverseDeviation };
}

/** `dx = (g − mean(g) − x̂·mean(g⊙x̂))/σ` for the gradient g with respect to x̂. */
function normaliseGradient(
  gradient: tf.Tensor,
  mean: tf.Tensor,
  correlation: tf.Tensor,
  normalised: tf.Tensor,
  inverseDeviation: tf.Tensor,
): tf.Tensor2D {
  const projection = tf.add(tf.mul(normalised, correlation), mean);
  return tf.mul(tf.sub(gradient, projection), inverseDeviation) as tf.Tensor2D;
}
