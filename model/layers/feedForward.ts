import type * as tf from '@tensorflow/tfjs';
import { gelu } from './gelu.js';
import { constant } from './initializers.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from './layerNorm.js';
import { createLinear, type LinearParameters, linear } from './linear.js';
import type { ParameterScope } from './parameterScope.js';

/** The position-wise branch `GELU(LN(x)·W1+b1)·W2+b2` that ends every block. */
export class FeedForward {
  readonly #norm: LayerNormParameters;
  readonly #widen: LinearParameters;
  readonly #narrow: LinearParameters;

  /** @param identity start at zero, so that the block that this branch ends begins as it was without it */
  constructor(scope: ParameterScope, channels: number, mlpRatio: number, identity = false) {
    const hidden = Math.round(mlpRatio * channels);
    this.#norm = createLayerNorm(scope.within('norm2'), channels);
    this.#widen = createLinear(scope.within('ffn1'), channels, hidden);
    this.#narrow = createLinear(scope.within('ffn2'), hidden, channels, identity ? { kernelInit: constant(0) } : {});
  }

  /** @param x `[..., C]` */
  forward<T extends tf.Tensor>(x: T): T {
    return linear(gelu(linear(layerNorm(x, this.#norm), this.#widen)), this.#narrow);
  }
}
