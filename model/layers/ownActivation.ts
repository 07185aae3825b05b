import type * as tf from '@tensorflow/tfjs';
import { ownOperation } from '../engine/ownOperations.js';
import { differentiable } from './differentiable.js';

/** An activation function of model/kernels/activation.h; all that its gradient keeps is x. */
export function ownActivation<T extends tf.Tensor>(name: 'Gelu' | 'Silu' | 'Softplus', x: T): T {
  return differentiable<T>(
    [x],
    (save) => {
      save([x]);
      return ownOperation(`Stf${name}`, {}, [x], 1)[0] as T;
    },
    (dy, [input]) => ownOperation(`Stf${name}Gradient`, {}, [dy, input!], 1),
  );
}
