import * as tf from '@tensorflow/tfjs';
import { isRunningStatistic } from '../layers/batchNorm.js';

/**
 * Running statistics as they were before a step. A forward pass moves them, so a step that is not applied must put them
 * back, or it would leave a trace.
 */
export class StatisticsBefore {
  readonly #live: tf.Variable[];
  readonly #kept: tf.Variable[];

  /** Undefined for a model without running statistics. */
  static where(parameters: ReadonlyMap<string, tf.Variable>): StatisticsBefore | undefined {
    const live = [...parameters].filter(([name]) => isRunningStatistic(name)).map(([, variable]) => variable);
    return live.length > 0 ? new StatisticsBefore(live) : undefined;
  }

  private constructor(live: tf.Variable[]) {
    this.#live = live;
    this.#kept = this.#live.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
  }

  get variables(): readonly tf.Variable[] {
    return this.#kept;
  }

  keep(): void {
    copy(this.#live, this.#kept);
  }

  restore(): void {
    copy(this.#kept, this.#live);
  }

  /** What a variable held before the step; itself where it is no running statistic. */
  of(variable: tf.Variable): tf.Variable {
    return this.#kept[this.#live.indexOf(variable)] ?? variable;
  }

  dispose(): void {
    tf.dispose(this.#kept);
  }
}

/** Adds nothing, so that no two variables share their data. */
function copy(from: readonly tf.Variable[], to: readonly tf.Variable[]): void {
  tf.tidy(() => {
    for (const [i, variable] of from.entries()) to[i]!.assign(tf.add(variable, 0));
  });
}
