import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { FeedForward } from '../layers/feedForward.js';
import { constant, uniformBetween } from '../layers/initializers.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import { silu } from '../layers/silu.js';
import { softplus } from '../layers/softplus.js';
import { convolveTime, createTimeConvolution, type TimeConvolutionParameters } from '../layers/timeConvolution.js';
import { selectiveScan } from './selectiveScan.js';
import { inverseSoftplusSteps } from './stepSize.js';

/** The rank of the step-size projection is a sixteenth of the width, as in Mamba (Gu and Dao, 2023). */
const STEP_RANK_DIVISOR = 16;
type DirectionParameters = {
  convolution: TimeConvolutionParameters;
  /** `[d_i, R+2N]`: step size, input and output projections. */
  inputs: tf.Variable;
  step: { kernel: tf.Variable; bias: tf.Variable };
  logDecay: tf.Variable;
  skip: tf.Variable;
};

/**
 * A bidirectional selective state-space block (Mamba; Gu and Dao, 2023; in two directions as in Vision Mamba, Zhu et al.,
 * 2024) with its own projections and parameters per direction, `x + ([y_f; y_b]·W_p) ⊙ silu(z)`, followed by a
 * position-wise branch. Two residual branches.
 */
export class BiMamba {
  readonly #states: number;
  readonly #stepRank: number;
  readonly #norm: LayerNormParameters;
  readonly #input: LinearParameters;
  readonly #gate: LinearParameters;
  readonly #directions: [DirectionParameters, DirectionParameters];
  readonly #output: LinearParameters;
  readonly #feedForward: FeedForward;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    channels: number,
    config: Pick<StfConfig, 'd_state' | 'd_conv' | 'ssm_expand' | 'mlp_ratio'> &
      Partial<Pick<StfConfig, 'grad_checkpoint'>>,
  ) {
    const inner = config.ssm_expand * channels;
    this.#states = config.d_state;
    this.#stepRank = Math.ceil(channels / STEP_RANK_DIVISOR);
    this.#norm = createLayerNorm(scope.within('norm1'), channels);
    this.#input = createLinear(scope.within('in_proj'), channels, 2 * inner, { bias: false });
    this.#gate = createLinear(scope.within('z_proj'), channels, channels, { bias: false });
    this.#directions = [
      this.#createDirection(scope.within('fwd'), inner, config.d_conv),
      this.#createDirection(scope.within('bwd'), inner, config.d_conv),
    ];
    this.#output = createLinear(scope.within('proj'), 2 * inner, channels, { bias: false });
    this.#feedForward = new FeedForward(scope, channels, config.mlp_ratio);
    this.#segment = Segment.over(scope, config);
  }

  #createDirection(scope: ParameterScope, inner: number, width: number): DirectionParameters {
    const states = this.#states;
    const rank = this.#stepRank;
    const span = (bound: number) => uniformBetween(-bound, bound);
    const step = scope.within('dt_proj');
    return {
      convolution: createTimeConvolution(scope.within('conv'), width, inner),
      inputs: scope.within('x_proj').kernel('kernel', [inner, rank + 2 * states]),
      step: {
        kernel: step.create('kernel', [rank, inner], span(rank ** -0.5)),
        bias: step.create('bias', [inner], inverseSoftplusSteps),
      },
      logDecay: scope.create('A_log', [inner, states], (shape) =>
        Float32Array.from({ length: shape[0] * states }, (_, i) => Math.log(1 + (i % states))),
      ),
      skip: scope.create('D', [inner], constant(1)),
    };
  }

  /** @param x `[B,T,C]` */
  forward(x: tf.Tensor3D, masks: [BranchMask, BranchMask]): tf.Tensor3D {
    return this.#segment.run([x], masks, ([x], masks) => {
      const mixed = addResidual(x, this.#mix(x), masks[0]);
      return addResidual(mixed, this.#feedForward.forward(mixed), masks[1]);
    });
  }

  #mix(x: tf.Tensor3D): tf.Tensor3D {
    const normalised = layerNorm(x, this.#norm);
    const [forward, backward] = tf.split(linear(normalised, this.#input), 2, 2);
    // The backward direction is the same computation on reversed time.
    const both = tf.concat([forward, tf.reverse(backward, 1)], 2) as tf.Tensor3D;
    const [yForward, yBackward] = this.#scanBoth(silu(this.#convolve(both)));
    const y = tf.concat([yForward, tf.reverse(yBackward, 1)], 2) as tf.Tensor3D;
    return tf.mul(linear(y, this.#output), silu(linear(normalised, this.#gate)));
  }

  /** Causal depthwise convolution of both directions side by side, `[B,T,2·d_i]`. */
  #convolve(x: tf.Tensor3D): tf.Tensor3D {
    const [{ convolution: ahead }, { convolution: back }] = this.#directions;
    const kernel = tf.concat([ahead.kernel, back.kernel], 2) as tf.Tensor4D;
    return convolveTime(x, { kernel, bias: tf.concat([ahead.bias, back.bias], 0) }, kernel.shape[0] - 1);
  }

  /** @param u `[B,T,2·d_i]`, the second half reversed in time */
  #scanBoth(u: tf.Tensor3D): tf.Tensor3D[] {
    const [batch, steps, channels] = u.shape;
    const inner = channels / 2;
    const pick = (of: (direction: DirectionParameters) => tf.Tensor) => tf.stack(this.#directions.map(of));
    // One batched product per projection serves both directions: [2, B·T, ·].
    const stacked = tf.reshape(tf.stack(tf.split(u, 2, 2)), [2, batch * steps, inner]) as tf.Tensor3D;
    const projected = tf.matMul(
      stacked,
      pick(({ inputs }) => inputs),
    );
    const [step, input, output] = tf.split(projected, [this.#stepRank, this.#states, this.#states], 2);
    const stepBias = tf.reshape(
      pick(({ step: { bias } }) => bias),
      [2, 1, inner],
    );
    const stepKernel = pick((direction) => direction.step.kernel);
    const y = selectiveScan({
      u: stacked,
      delta: softplus(tf.add(tf.matMul(step, stepKernel), stepBias)) as tf.Tensor3D,
      decay: tf.neg(tf.exp(pick(({ logDecay }) => logDecay))) as tf.Tensor3D,
      input: input as tf.Tensor3D,
      output: output as tf.Tensor3D,
      skip: tf.reshape(
        pick(({ skip }) => skip),
        [2, 1, inner],
      ) as tf.Tensor3D,
      steps,
    });
    return tf.split(y, 2, 0).map((direction) => tf.reshape(direction, [batch, steps, inner]));
  }
}
