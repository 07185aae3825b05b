import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { flatten } from './flatVector.js';
import type { ParameterGroup } from './parameterGroups.js';

/** Σ g² over all vectors. */
function squareSum(vectors: readonly tf.Tensor1D[]): tf.Scalar {
  if (!ownOperationsInUse()) return tf.addN(vectors.map((vector) => vector.square().sum())) as tf.Scalar;
  const attributes = { N: { kind: 'int', value: vectors.length } } as const;
  return ownOperation('StfSquareSum', attributes, [...vectors], 1)[0] as tf.Scalar;
}

/** Sums the gradients of micro-batches, one flat vector a group. */
export class GradientAccumulator {
  /** The sum so far, a vector a group. */
  readonly sums: readonly tf.Variable<tf.Rank.R1>[];

  constructor(private readonly groups: readonly ParameterGroup[]) {
    this.sums = groups.map(({ variables }) => {
      const size = variables.reduce((sum, variable) => sum + variable.size, 0);
      return tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([size]), false));
    });
  }

  /** Adds the gradients of one micro-batch, by the engine's variable names; a parameter without one adds nothing. */
  add(gradients: tf.NamedTensorMap): void {
    tf.tidy(() => {
      this.groups.forEach(({ variables }, i) => {
        const flat = flatten(variables.map((variable) => gradients[variable.name] ?? tf.zerosLike(variable)));
        this.sums[i]!.assign(this.sums[i]!.add<tf.Tensor1D>(flat));
      });
    });
  }

  /** Square of the L2 norm of the sum, over all groups together. */
  squaredNorm(): tf.Scalar {
    return tf.tidy(() => squareSum(this.sums));
  }

  clear(): void {
    tf.tidy(() => {
      for (const sum of this.sums) sum.assign(tf.zerosLike(sum));
    });
  }

  dispose(): void {
    tf.dispose([...this.sums]);
  }
}
