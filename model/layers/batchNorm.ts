import * as tf from '@tensorflow/tfjs';
import { differentiable } from './differentiable.js';
import type { ParameterScope } from './parameterScope.js';

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
   */
  overBatch(x: tf.Tensor2D): tf.Tensor2D {
    const rows = x.shape[0];
    return differentiable<tf.Tensor2D>(
      [x, this.#gamma, this.#beta],
      (save) => {
        const { mean, variance } = tf.moments(x, 0);
        const inverseDeviation = tf.rsqrt(tf.add(variance, EPSILON));
        const normalised = tf.mul(tf.sub(x, mean), inverseDeviation);
        this.#follow(this.#mean, mean);
        this.#follow(this.#variance, tf.mul(variance, rows / Math.max(rows - 1, 1)));
        save([normalised, inverseDeviation, this.#gamma]);
        return tf.add(tf.mul(normalised, this.#gamma), this.#beta);
      },
      (dy, [normalised, inverseDeviation, gamma]) => {
        const dBeta = tf.sum(dy, 0);
        const dGamma = tf.sum(tf.mul(dy, normalised), 0);
        const common = tf.div(tf.add(tf.mul(normalised, dGamma), dBeta), rows);
        return [tf.mul(tf.sub(dy, common), tf.mul(inverseDeviation, gamma)), dGamma, dBeta];
      },
    );
  }

  #follow(running: tf.Variable, seen: tf.Tensor): void {
    running.assign(tf.add(tf.mul(running, MOMENTUM), tf.mul(seen, 1 - MOMENTUM)));
  }
}
