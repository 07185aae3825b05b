import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';

/** The way of one trunk stage's pooled maps into the temporal stage of the same number: a norm and a linear layer. */
export class Lateral {
  readonly #norm: LayerNormParameters;
  readonly #project: LinearParameters;
  readonly #segment: Segment;

  constructor(
    scope: ParameterScope,
    inputs: number,
    outputs: number,
    config: Partial<Pick<StfConfig, 'grad_checkpoint'>>,
  ) {
    this.#norm = createLayerNorm(scope.within('norm'), inputs);
    this.#project = createLinear(scope.within('fc'), inputs, outputs);
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param pooled `[B,T,inputs]`
   * @returns `[B,T,outputs]`
   */
  forward(pooled: tf.Tensor3D): tf.Tensor3D {
    return this.#segment.run([pooled], [], ([pooled]) => linear(layerNorm(pooled, this.#norm), this.#project));
  }
}
