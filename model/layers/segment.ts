import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { inPlace } from '../engine/recording/place.js';
import { type Constant, checkpoint } from './checkpoint.js';
import type { ParameterScope } from './parameterScope.js';

/** One passage through a segment. */
export type SegmentVisit = {
  /** The part's name, with which the names of its parameters begin: `stage1.0`. */
  name: string;
  inputs: readonly tf.Tensor[];
  outputs: readonly tf.Tensor[];
  weights: readonly tf.Variable[];
};

let watcher: ((visit: SegmentVisit) => void) | undefined;

/** Runs `body` and shows `watch` every segment that it passes, in order; this is how the network is drawn. */
export function watchSegments<Result>(watch: (visit: SegmentVisit) => void, body: () => Result): Result {
  const outer = watcher;
  watcher = watch;
  try {
    return body();
  } finally {
    watcher = outer;
  }
}

/**
 * A part of the network between two gradient checkpoints. With `grad_checkpoint` only what enters it is kept for the
 * backward pass, which computes the rest anew; without, it is computed as usual.
 */
export class Segment {
  readonly #recompute: boolean;

  /** @param weights all parameters of the part */
  constructor(
    readonly name: string,
    private readonly weights: readonly tf.Variable[],
    config: Partial<Pick<StfConfig, 'grad_checkpoint'>>,
  ) {
    this.#recompute = config.grad_checkpoint ?? false;
  }

  /** The part whose parameters are those that `scope` holds by now. */
  static over(scope: ParameterScope, config: Partial<Pick<StfConfig, 'grad_checkpoint'>>): Segment {
    return new Segment(scope.name, scope.variables(), config);
  }

  /**
   * @param inputs float32 tensors that the gradient flows on to
   * @param constants what needs no gradient: masks, frames
   * @param fn computes the part from these alone; nothing in it may be random
   */
  run<Inputs extends tf.Tensor[], Constants extends Constant[], Value extends tf.Tensor>(
    inputs: [...Inputs],
    constants: [...Constants],
    fn: (inputs: Inputs, constants: Constants) => Value,
  ): Value {
    const value = this.#compute(inputs, constants, fn);
    this.#show(inputs, constants, [value]);
    return value;
  }

  /** The same for a part with several results. */
  runMany<Inputs extends tf.Tensor[], Constants extends Constant[], Values extends tf.Tensor[]>(
    inputs: [...Inputs],
    constants: [...Constants],
    fn: (inputs: Inputs, constants: Constants) => Values,
  ): Values {
    if (!this.#recompute) {
      const values = inPlace(this.name, () => fn(inputs, constants));
      this.#show(inputs, constants, values);
      return values;
    }
    // A unit of the tape has one result, so several travel as one vector.
    let shapes: number[][] = [];
    const packed = this.#compute(inputs, constants, (...operands) => {
      const values = fn(...operands);
      shapes = values.map(({ shape }) => shape);
      return tf.concat(values.map((value) => tf.reshape(value, [-1])));
    });
    const sizes = shapes.map((shape) => tf.util.sizeFromShape(shape));
    const values = tf.split(packed, sizes).map((piece, i) => tf.reshape(piece, shapes[i])) as Values;
    this.#show(inputs, constants, values);
    return values;
  }

  #compute<Inputs extends tf.Tensor[], Constants extends Constant[], Value extends tf.Tensor>(
    inputs: Inputs,
    constants: Constants,
    fn: (inputs: Inputs, constants: Constants) => Value,
  ): Value {
    const part: typeof fn = (...operands) => inPlace(this.name, () => fn(...operands));
    if (!this.#recompute) return part(inputs, constants);
    const trained = this.weights.filter(({ trainable }) => trainable);
    return checkpoint(part, inputs, trained, constants);
  }

  #show(inputs: tf.Tensor[], constants: Constant[], outputs: tf.Tensor[]): void {
    const given = constants.filter((constant) => constant !== undefined);
    watcher?.({ name: this.name, inputs: [...inputs, ...given], outputs, weights: this.weights });
  }
}
