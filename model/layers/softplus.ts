import * as tf from '@tensorflow/tfjs';
import { ownOperationsInUse } from '../engine/ownOperations.js';
import { ownActivation } from './ownActivation.js';

/** `log(1+e^x)`, a smooth way to a positive number. */
export function softplus<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? ownActivation('Softplus', x) : tf.softplus(x);
}
