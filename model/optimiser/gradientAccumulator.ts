import * as tf from '@tensorflow/tfjs';
import { flatten } from './flatVector.js';
import type { ParameterGroup } from './parameterGroups.js';

/** Sums the gradients of micro-batches, one flat vector a group. */
export class GradientAccumulator {
  #sums: tf.Tensor1D[] = [];
  #count = 0;

  constructor(private readonly groups: readonly ParameterGroup[]) {}

  /** Micro-batches added since the last clear. */
  get count(): number {
    return this.#count;
  }

  /** The sum so far, a vector a group. */
  get sums(): readonly tf.Tensor1D[] {
    return this.#sums;
  }

  /** Adds the gradients of one micro-batch, by the engine's variable names; a parameter without one adds nothing. */
  add(gradients: tf.NamedTensorMap) {
    this.groups.forEach(({ variables }, i) => {
      const sum = tf.tidy(() => {
        const flat = flatten(variables.map((variable) => gradients[variable.name] ?? tf.zerosLike(variable)));
        return tf.keep(this.#count === 0 ? flat : this.#sums[i]!.add<tf.Tensor1D>(flat));
      });
      this.#sums[i]?.dispose();
      this.#sums[i] = sum;
    });
    this.#count++;
  }

  /** L2 norm of the averaged gradient over all groups together. */
  averageNorm(): number {
    const sumOfSquares = tf.tidy(() => tf.addN(this.#sums.map((sum) => sum.square().sum())));
    const [value] = sumOfSquares.dataSync();
    sumOfSquares.dispose();
    return Math.sqrt(value!) / this.#count;
  }

  clear() {
    tf.dispose(this.#sums);
    this.#sums = [];
    this.#count = 0;
  }
}
