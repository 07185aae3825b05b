import * as tf from '@tensorflow/tfjs';
import { ownOperationsInUse } from '../engine/ownOperations.js';
import { ownActivation } from './ownActivation.js';

/** The sigmoid-weighted linear unit `x·σ(x)` (Elfwing, Uchibe and Doya, 2017). */
export function silu<T extends tf.Tensor>(x: T): T {
  return ownOperationsInUse() ? ownActivation('Silu', x) : tf.mul(x, tf.sigmoid(x));
}
