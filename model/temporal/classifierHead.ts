import * as tf from '@tensorflow/tfjs';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';

/** Layer normalisation, mean over frames, dropout, one linear layer. */
export class ClassifierHead {
  readonly #norm: LayerNormParameters;
  readonly #classify: LinearParameters;
  readonly #segment: Segment;

  constructor(scope: ParameterScope, channels: number, classes: number) {
    this.#norm = createLayerNorm(scope.within('norm'), channels);
    this.#classify = createLinear(scope.within('fc'), channels, classes);
    this.#segment = Segment.over(scope, {});
  }

  /**
   * @param x `[B,T,C]`
   * @param dropout `[B,C]`, 0 or 1/(1−p); undefined: none
   * @returns logits `[B, classes]`
   */
  forward(x: tf.Tensor3D, dropout?: tf.Tensor2D): tf.Tensor2D {
    return this.#segment.run([x], [dropout], ([x], [dropout]) => {
      const clip = tf.mean(layerNorm(x, this.#norm), 1) as tf.Tensor2D;
      return linear(dropout ? tf.mul(clip, dropout) : clip, this.#classify);
    });
  }
}
