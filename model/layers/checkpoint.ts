import * as tf from '@tensorflow/tfjs';
import { recomputed, waitFor } from '../engine/recording/tracer.js';
import { differentiable } from './differentiable.js';

/** A tensor that is read and needs no gradient, such as a mask; undefined where there is none. */
export type Constant = tf.Tensor | undefined;

/**
 * Computes `fn(inputs, constants)` as one unit of the gradient tape that keeps nothing but what enters it; the
 * backward pass computes it once more (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016). Time for
 * memory: the activations of `fn` live only while it is being differentiated.
 *
 * `fn` must give the same numbers both times: it draws nothing, random factors come in as `constants`. It must read no
 * other tensor of the running step, for those are gone when it runs again.
 *
 * @param inputs float32 tensors that the gradient flows on to
 * @param weights the variables read by `fn` that shall have a gradient
 */
export function checkpoint<Inputs extends tf.Tensor[], Constants extends Constant[], Value extends tf.Tensor>(
  fn: (inputs: Inputs, constants: Constants) => Value,
  inputs: Inputs,
  weights: readonly tf.Variable[],
  constants: Constants,
): Value {
  return differentiable<Value>(
    [...inputs, ...weights],
    (save) => {
      save([...inputs, ...constants.filter((constant) => constant !== undefined)]);
      return fn(inputs, constants);
    },
    (dy, saved) => {
      const kept = waitFor(saved, dy);
      const entered = kept.slice(0, inputs.length) as Inputs;
      const rest = kept.slice(inputs.length);
      const unchanged = constants.map((constant) => constant && rest.shift()) as Constants;
      return gradientsOnOwnTape(() => recomputed(() => fn(entered, unchanged)), [...entered, ...weights], dy);
    },
  );
}

/**
 * Gradients of `f` while another gradient is being computed. tfjs has one tape and drops it when a computation of
 * gradients ends, so without care an inner one leaves the outer one without.
 */
function gradientsOnOwnTape(f: () => tf.Tensor, xs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const engine = tf.engine();
  const outerTape = engine.state.activeTape;
  try {
    const { grads } = engine.gradients(f, xs, dy, true);
    return grads.map((gradient, i) => gradient ?? tf.zerosLike(xs[i]));
  } finally {
    engine.state.activeTape = outerTape;
  }
}
