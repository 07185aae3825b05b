import * as tf from '@tensorflow/tfjs';

/**
 * Computes a part of the network in which nothing is trained, nor in what comes before it: its activations are let go
 * of at once, where the gradient tape would keep them to the end of the step.
 *
 * @param input what the part reads; must not depend on a trained variable
 */
export function outsideTape(input: tf.Tensor, compute: () => tf.Tensor2D): tf.Tensor2D {
  const unit = tf.customGrad(() => ({
    value: compute(),
    gradFunc: (): tf.Tensor => {
      throw new Error('Expected no gradient to flow into a frozen part of the network');
    },
  }));
  return unit(input) as tf.Tensor2D;
}
