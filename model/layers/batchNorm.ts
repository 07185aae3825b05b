import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';
import type { ParameterScope } from './parameterScope.js';
import { relu6 } from './relu6.js';

/** EfficientNet's values (Tan and Le, 2019): added to the variance, and the share of a running statistic that stays. */
const EPSILON = 1e-3;
const MOMENTUM = 0.99;

const statistic = /\.running_(mean|var)$/;

/** Whether a parameter's name is that of a running statistic, which is measured and not learnt. */
export const isRunningStatistic = (name: string): boolean => statistic.test(name);

/** Batch normalisation (Ioffe and Szegedy, 2015) with PyTorch's names: weight, bias, running_mean, running_var. */
export class BatchNorm {
  readonly #gamma: tf.Variable;
  readonly #beta: tf.Variable;
  readonly #mean: tf.Variable;
  readonly #variance: tf.Variable;

  constructor(scope: ParameterScope, channels: number) {
    const measured = scope.frozenIf(true);
    this.#gamma = scope.ones('weight', [channels]);
    this.#beta = scope.zeros('bias', [channels]);
    this.#mean = measured.zeros('running_mean', [channels]);
    this.#variance = measured.ones('running_var', [channels]);
  }

  /**
   * Normalising by the running statistics as a factor and a shift for each channel, `[C]`: they go into the kernel and
   * the bias of the layer before, so that no pass over its output is needed.
   */
  asAffine(): { factor: tf.Tensor1D; shift: tf.Tensor1D } {
    const factor = tf.mul(this.#gamma, tf.rsqrt(tf.add(this.#variance, EPSILON))) as tf.Tensor1D;
    return { factor, shift: tf.sub(this.#beta, tf.mul(this.#mean, factor)) };
  }

  /**
   * Normalises by the statistics of `x` and moves the running ones towards them.
   *
   * @param x rows `[M,C]`
   * @param clipped ReLU6 of the result
   */
  overBatch(x: tf.Tensor2D, clipped: boolean): tf.Tensor2D {
    const seen: SeenMoments = (mean, variance) => this.#follow(mean, variance, x.shape[0]);
    return normaliseOverBatch(x, { gamma: this.#gamma, beta: this.#beta }, clipped, seen);
  }

  /** Moves the running statistics towards those of `rows` rows; the running variance is the unbiased one. */
  #follow(mean: tf.Tensor, variance: tf.Tensor, rows: number): void {
    const unbiased = tf.mul(variance, rows / Math.max(rows - 1, 1));
    for (const [running, seen] of [
      [this.#mean, mean],
      [this.#variance, unbiased],
    ] as const)
      running.assign(tf.add(tf.mul(running, MOMENTUM), tf.mul(seen, 1 - MOMENTUM)));
  }
}

/** Receives mean and biased variance of each channel, `[C]`. */
export type SeenMoments = (mean: tf.Tensor, variance: tf.Tensor) => void;

type ScaleAndShift = { gamma: tf.Tensor; beta: tf.Tensor };

/**
 * `(x−μ)/√(σ²+1e-3)·γ+β` with the moments of each channel over all rows, and ReLU6 of that where `clipped`: a pass less
 * in each direction where our own operations are in use.
 *
 * @param x rows `[M,C]`
 * @param scaling `[C]` each
 */
export function normaliseOverBatch(
  x: tf.Tensor2D,
  scaling: ScaleAndShift,
  clipped: boolean,
  seen: SeenMoments,
): tf.Tensor2D {
  if (ownOperationsInUse()) return fusedOverBatch(x, scaling, clipped, seen);
  const normalised = composedOverBatch(x, scaling, seen);
  return clipped ? relu6(normalised) : normalised;
}

function fusedOverBatch(x: tf.Tensor2D, { gamma, beta }: ScaleAndShift, clipped: boolean, seen: SeenMoments) {
  const clip = { clipped: { kind: 'bool', value: clipped } } as const;
  return differentiable<tf.Tensor2D>(
    [x, gamma, beta],
    (save) => {
      const attributes = { epsilon: { kind: 'float', value: EPSILON }, ...clip } as const;
      const [y, mean, variance, inverseDeviation] = ownOperation('StfBatchNorm', attributes, [x, gamma, beta], 4);
      seen(mean, variance);
      save([x, gamma, beta, mean, inverseDeviation]);
      return y as tf.Tensor2D;
    },
    (dy, saved) => {
      const [dx, dParameters] = ownOperation('StfBatchNormGradient', clip, [dy, ...saved], 2);
      const [dGamma, dBeta] = tf.unstack(dParameters);
      return [dx, dGamma, dBeta];
    },
  );
}

function composedOverBatch(x: tf.Tensor2D, { gamma, beta }: ScaleAndShift, seen: SeenMoments) {
  return differentiable<tf.Tensor2D>(
    [x, gamma, beta],
    (save) => {
      const { mean, variance } = tf.moments(x, 0);
      const inverseDeviation = tf.rsqrt(tf.add(variance, EPSILON));
      const normalised = tf.mul(tf.sub(x, mean), inverseDeviation);
      seen(mean, variance);
      save([normalised, inverseDeviation, gamma]);
      return tf.add(tf.mul(normalised, gamma), beta);
    },
    (dy, [normalised, inverseDeviation, scale]) => {
      const dBeta = tf.sum(dy, 0);
      const dGamma = tf.sum(tf.mul(dy, normalised), 0);
      const common = tf.div(tf.add(tf.mul(normalised, dGamma), dBeta), dy.shape[0]);
      return [tf.mul(tf.sub(dy, common), tf.mul(inverseDeviation, scale)), dGamma, dBeta];
    },
  );
}
