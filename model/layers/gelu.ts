import * as tf from '@tensorflow/tfjs';
import { ownOperationsInUse } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';
import { ownActivation } from './ownActivation.js';

const LOG_TWO_PI = Math.log(2 * Math.PI);

/**
 * The exact Gaussian error linear unit `x·Φ(x) = x/2·(1+erf(x/√2))` (Hendrycks and Gimpel, 2016) with its derivative
 * `Φ(x) + x·φ(x)` as one unit of the tape.
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? ownActivation('Gelu', x) : composedGelu(x);
}

function composedGelu<T extends tf.Tensor>(x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      const cumulative = tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
      save([x, cumulative]);
      return tf.mul(x, cumulative);
    },
    (dy, [input, cumulative]) => {
      const density = tf.exp(tf.mul(tf.add(tf.square(input), LOG_TWO_PI), -0.5));
      return [tf.mul(dy, tf.add(cumulative, tf.mul(input, density)))];
    },
  );
}
