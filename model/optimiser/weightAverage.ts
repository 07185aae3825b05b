import * as tf from '@tensorflow/tfjs';
import { flatten, unflatten } from './flatVector.js';
import type { ParameterGroup } from './parameterGroups.js';

/** Exponential moving average of the trained weights: `a ← decay·a + (1 − decay)·p` after each update. */
export class WeightAverage {
  readonly #averages: tf.Variable<tf.Rank.R1>[];

  constructor(
    private readonly groups: readonly ParameterGroup[],
    private readonly decay: number,
  ) {
    this.#averages = groups.map(({ variables }) => tf.tidy(() => tf.variable(flatten(variables), false)));
  }

  get variables(): readonly tf.Variable[] {
    return this.#averages;
  }

  update(): void {
    this.groups.forEach(({ variables }, i) => {
      const average = this.#averages[i]!;
      tf.tidy(() => average.assign(average.mul(this.decay).add(flatten(variables).mul(1 - this.decay))));
    });
  }

  /** Puts the averages in place of the weights and the weights in theirs; a second time, all is as it was. */
  swap(): void {
    tf.tidy(() => {
      this.groups.forEach(({ variables }, i) => {
        const shapes = variables.map(({ shape }) => shape);
        const weights = flatten(variables);
        unflatten(this.#averages[i]!, shapes).forEach((piece, k) => {
          variables[k]!.assign(piece);
        });
        this.#averages[i]!.assign(weights);
      });
    });
  }

  /** The averages by parameter name, in host memory. */
  export(): Map<string, Float32Array> {
    const averages = new Map<string, Float32Array>();
    this.groups.forEach(({ names, variables }, i) => {
      const flat = this.#averages[i]!.dataSync<'float32'>();
      let at = 0;
      names.forEach((name, k) => {
        averages.set(name, flat.subarray(at, at + variables[k]!.size));
        at += variables[k]!.size;
      });
    });
    return averages;
  }

  import(averages: ReadonlyMap<string, Float32Array>) {
    this.groups.forEach(({ names }, i) => {
      const average = this.#averages[i]!;
      const flat = new Float32Array(average.size);
      let at = 0;
      for (const name of names) {
        flat.set(averages.get(name)!, at);
        at += averages.get(name)!.length;
      }
      tf.tidy(() => average.assign(tf.tensor1d(flat)));
    });
  }

  dispose() {
    tf.dispose(this.#averages);
  }
}
