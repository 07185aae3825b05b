import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';

/** Brings the tokens of one temporal stage to the width of the next, without bias. */
export class Transition {
  readonly #project: LinearParameters;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    inputs: number,
    outputs: number,
    config: Partial<Pick<StfConfig, 'grad_checkpoint'>>,
  ) {
    this.#project = createLinear(scope, inputs, outputs, { bias: false });
    this.#segment = Segment.over(scope, config);
  }

  /** @param tokens `[B,T,inputs]` */
  forward(tokens: tf.Tensor3D): tf.Tensor3D {
    return this.#segment.run([tokens], [], ([tokens]) => linear(tokens, this.#project));
  }
}
