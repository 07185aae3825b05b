import * as tf from '@tensorflow/tfjs';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { silu } from '../layers/silu.js';

/** The channel path of a PN block, a gated linear unit frame by frame (Shazeer, 2020): `(silu(x·W_g)⊙(x·W_v))·W_o`. */
export class ChannelMixer {
  readonly #gate: LinearParameters;
  readonly #value: LinearParameters;
  readonly #output: LinearParameters;

  constructor(scope: ParameterScope, channels: number, mlpRatio: number) {
    const hidden = Math.round(mlpRatio * channels);
    this.#gate = createLinear(scope.within('wg'), channels, hidden, { bias: false });
    this.#value = createLinear(scope.within('wv'), channels, hidden, { bias: false });
    this.#output = createLinear(scope.within('wo'), hidden, channels, { bias: false });
  }

  /** @param x `[..., C]` */
  forward<T extends tf.Tensor>(x: T): T {
    return linear(tf.mul(silu(linear(x, this.#gate)), linear(x, this.#value)) as T, this.#output);
  }
}
