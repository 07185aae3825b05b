import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { constant } from '../layers/initializers.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';
import { stopGradient } from '../layers/stopGradient.js';

/** With adaptation a mixer has this many times `d_state` states, of which quiet clips use one half. */
const STATE_RANGE = 2;
/** White noise, spread evenly over eight bands, has an HLL ratio of 1/√8; scaled by √8 it counts as 1. */
const NOISE_SCALE = Math.sqrt(8);

/** N of the mixers in the PN stages. */
export function stateCount({ d_state, use_adaptive_sdim }: Pick<StfConfig, 'd_state' | 'use_adaptive_sdim'>): number {
  return use_adaptive_sdim ? STATE_RANGE * d_state : d_state;
}

/**
 * How many states a clip may use, `S = d_state·(1 + tanh(γ·e))`, e its flicker relative to white noise: more evidence,
 * more memory. The states come in groups of width w (experts), of which the g-th counts by `clip((S − g·w)/w, 0, 1)`:
 * a mixture of experts (Shazeer et al., 2017) whose gate is not learnt but measured. This controls capacity only: masked
 * states are computed all the same.
 */
export class AdaptiveStates {
  readonly #config: Pick<StfConfig, 'd_state' | 'adaptive_experts'>;
  readonly #gamma: tf.Variable;
  readonly #segment: Segment;

  constructor(scope: ParameterScope, config: Pick<StfConfig, 'd_state' | 'adaptive_experts' | 'adaptive_gamma_init'>) {
    this.#config = config;
    this.#gamma = scope.create('gamma', [], constant(config.adaptive_gamma_init));
    this.#segment = Segment.over(scope, {});
  }

  /**
   * @param flicker share of the HLL band in the clip's amplitude, `[B]`; without gradient, lest the classifier raise
   *   its own allowance
   * @returns factors in [0,1], `[B, 2·d_state]`
   */
  forward(flicker: tf.Tensor1D): tf.Tensor2D {
    return this.#segment.run([], [flicker], (_, [flicker]) => this.#factors(flicker));
  }

  #factors(flicker: tf.Tensor1D): tf.Tensor2D {
    const { d_state, adaptive_experts: experts } = this.#config;
    const [batch, states] = [flicker.shape[0], STATE_RANGE * d_state];
    const width = states / experts;
    const evidence = tf.mul(stopGradient(flicker), NOISE_SCALE);
    const allowed = tf.mul(tf.add(tf.tanh(tf.mul(evidence, this.#gamma)), 1), d_state);
    const offsets = tf.range(0, experts, 1, 'float32');
    const share = tf.clipByValue(tf.sub(tf.div(tf.reshape(allowed, [batch, 1]), width), offsets), 0, 1);
    const repeated = tf.mul(tf.reshape(share, [batch, experts, 1]), tf.ones([1, 1, width]));
    return tf.reshape(repeated, [batch, states]);
  }
}
