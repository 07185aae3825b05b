import * as tf from '@tensorflow/tfjs';
import { outsideRecording } from '../engine/recording/tracer.js';

/** Constant tensors (selection matrices, index tables) made once per shape and kept until the model is disposed. */
export class ConstantCache {
  readonly #tensors = new Map<string, tf.Tensor>();

  /** The tensor of this key, made on first use. `make` must depend on nothing but the key. */
  get<T extends tf.Tensor>(key: string, make: () => T): T {
    let tensor = this.#tensors.get(key);
    if (!tensor) {
      tensor = outsideRecording(() => tf.keep(make()));
      this.#tensors.set(key, tensor);
    }
    return tensor as T;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}
