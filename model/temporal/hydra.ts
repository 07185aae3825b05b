import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { rmsNorm } from '../layers/rmsNorm.js';
import { silu } from '../layers/silu.js';
import { softplus } from '../layers/softplus.js';
import { convolveTime, createTimeConvolution, type TimeConvolutionParameters } from '../layers/timeConvolution.js';
import { mixOverTime } from './mixOverTime.js';
import { inverseSoftplusSteps } from './stepSize.js';

/** The settings a Hydra mixer reads. */
export type HydraConfig = Pick<StfConfig, 'ssm_expand' | 'hydra_d_conv' | 'hydra_headdim'>;

/**
 * Hydra (Hwang et al., 2024): a bidirectional state-space mixer as one quasiseparable matrix over time. Projections,
 * convolution, decay and step bias serve both directions; each has its own B, C and Δ. The diagonal depends on the
 * data. `out = (RMS(M·x + x⊙(x·W_D + D)) ⊙ silu(z))·W_out`.
 */
export class Hydra {
  readonly #inner: number;
  readonly #heads: number;
  readonly #states: number;
  readonly #constants: ConstantCache;
  readonly #input: LinearParameters;
  readonly #convolution: TimeConvolutionParameters;
  readonly #stepBias: tf.Variable;
  readonly #logDecay: tf.Variable;
  readonly #diagonal: Required<LinearParameters>;
  readonly #normGamma: tf.Variable;
  readonly #output: LinearParameters;

  /** @param states N, the width of B and C */
  constructor(scope: ParameterScope, channels: number, states: number, config: HydraConfig, constants: ConstantCache) {
    const inner = config.ssm_expand * channels;
    const heads = inner / Math.min(config.hydra_headdim, inner);
    if (!Number.isInteger(heads)) {
      throw new RangeError(`Expected a width divisible by hydra_headdim ${config.hydra_headdim} but received ${inner}`);
    }
    this.#inner = inner;
    this.#heads = heads;
    this.#states = states;
    this.#constants = constants;
    const projected = 2 * inner + 4 * states + 2 * heads;
    this.#input = createLinear(scope.within('in_proj'), channels, projected, { bias: false });
    this.#convolution = createTimeConvolution(scope.within('conv'), config.hydra_d_conv, inner + 4 * states);
    this.#stepBias = scope.create('dt_bias', [heads], inverseSoftplusSteps);
    this.#logDecay = scope.zeros('A_log', [heads]);
    const skip = scope.ones('D', [heads]);
    this.#diagonal = { ...createLinear(scope.within('fc_D'), inner, heads, { bias: false }), bias: skip };
    this.#normGamma = scope.within('norm').ones('gamma', [inner]);
    this.#output = createLinear(scope.within('out_proj'), inner, channels, { bias: false });
  }

  /**
   * @param x `[B,T,C]`
   * @param allowance factors of the states of each sample, `[B,N]`; undefined: all of them in full
   */
  forward(x: tf.Tensor3D, allowance?: tf.Tensor2D): tf.Tensor3D {
    const [inner, heads, states] = [this.#inner, this.#heads, this.#states];
    const [gate, signal, steps] = tf.split(
      linear(x, this.#input),
      [inner, inner + 4 * states, 2 * heads],
      2,
    ) as tf.Tensor3D[];
    const convolved = silu(convolveTime(signal, this.#convolution, (this.#convolution.kernel.shape[0] - 1) / 2));
    const [u, inputForward, outputForward, inputBackward, outputBackward] = tf.split(
      convolved,
      [inner, states, states, states, states],
      2,
    ) as tf.Tensor3D[];
    const allowed = (output: tf.Tensor3D) =>
      allowance ? (tf.mul(output, tf.reshape(allowance, [-1, 1, states])) as tf.Tensor3D) : output;
    const mixed = mixOverTime(
      u,
      linear(u, this.#diagonal),
      {
        delta: this.#stepSizes(steps),
        decay: tf.neg(tf.exp(this.#logDecay)) as tf.Tensor1D,
        forward: { input: inputForward, output: allowed(outputForward) },
        backward: { input: inputBackward, output: allowed(outputBackward) },
      },
      this.#constants,
    );
    const normalised = rmsNorm(mixed, this.#normGamma);
    return linear(tf.mul(normalised, silu(gate)) as tf.Tensor3D, this.#output);
  }

  /** `softplus(dt + dt_bias)` with one bias per head for both directions, `[B,T,2·heads]` to `[B,heads,2,T]`. */
  #stepSizes(steps: tf.Tensor3D): tf.Tensor4D {
    const [batch, length] = steps.shape;
    const perDirection = tf.reshape(steps, [batch, length, 2, this.#heads]);
    return tf.transpose(softplus(tf.add(perDirection, this.#stepBias)), [0, 3, 2, 1]) as tf.Tensor4D;
  }
}
