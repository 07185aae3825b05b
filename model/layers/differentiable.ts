import * as tf from '@tensorflow/tfjs';
import { currentPlace, inPlace } from '../engine/recording/place.js';

/** Hands tensors of the forward pass to the backward pass. */
export type Save = (tensors: tf.Tensor[]) => void;

/**
 * One unit of the gradient tape with a derivative written by hand.
 *
 * Why not plain tf.customGrad: here the temporaries of the backward pass are freed at once and so are the saved
 * tensors and the incoming gradient after their only use, which tfjs keeps until the whole tape has been walked; that
 * is where most of the memory of a training step would go.
 *
 * @param inputs tensors the value depends on, variables included
 * @param forward computes the value; may `save` tensors for `backward`
 * @param backward gradients of all inputs, in their order and shapes
 */
export function differentiable<Value extends tf.Tensor>(
  inputs: tf.Tensor[],
  forward: (save: Save) => Value,
  backward: (dy: Value, saved: tf.Tensor[]) => tf.Tensor[],
): Value {
  const place = currentPlace();
  const unit = tf.customGrad((...args: Array<tf.Tensor | tf.GradSaveFunc>) => {
    const save = args[args.length - 1] as tf.GradSaveFunc;
    return {
      value: forward(save),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const gradients = tf.tidy(() => inPlace(`${place}/gradient`, () => backward(dy as Value, saved)));
        tf.dispose(saved);
        if (belongsToThisPass(dy) && !gradients.includes(dy)) dy.dispose();
        return gradients;
      },
    };
  });
  return unit(...inputs) as Value;
}

/** Whether the running backward pass made this gradient, so that nobody else can still read it. */
function belongsToThisPass(dy: tf.Tensor): boolean {
  return dy.scopeId === tf.engine().state.activeScope?.id;
}
