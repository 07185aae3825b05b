import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { flatten, unflatten } from './flatVector.js';
import type { ParameterGroup } from './parameterGroups.js';

export type AdamWOptions = {
  weightDecay: number;
  /** Learning rate of trunk groups relative to the others. */
  trunkMultiplier?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
};

/** Kingma and Ba, 2015. */
const defaults = { trunkMultiplier: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** What an update depends on beside gradients and state; scalars, so that a recorded step takes them as inputs. */
export type UpdateScalars = {
  /** The gradient is this times the vectors: averaging and clipping are both in it, which saves a pass. */
  scale: tf.Scalar;
  learningRate: tf.Scalar;
  /** Bias corrections `1 − β₁ᵗ` and `1 − β₂ᵗ` of update t, counted from 1. */
  firstCorrection: tf.Scalar;
  secondCorrection: tf.Scalar;
};

/** One value a parameter, by name. */
export type Moments = Map<string, { m: Float32Array; v: Float32Array }>;

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019): `p ← p − lr·(m̂/(√v̂ + ε) + wd·p)`. */
export class AdamW {
  readonly #options: Required<AdamWOptions>;
  readonly #moments: { m: tf.Variable<tf.Rank.R1>; v: tf.Variable<tf.Rank.R1> }[];
  #updates = 0;

  constructor(
    private readonly groups: readonly ParameterGroup[],
    options: AdamWOptions,
  ) {
    this.#options = { ...defaults, ...options };
    this.#moments = groups.map(({ variables }) => {
      const size = variables.reduce((sum, variable) => sum + variable.size, 0);
      const zeros = () => tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R1>([size]), false));
      return { m: zeros(), v: zeros() };
    });
  }

  /** Updates made so far, which bias correction counts. */
  get updates(): number {
    return this.#updates;
  }

  /** All variables that an update reads and assigns beside the parameters. */
  get variables(): tf.Variable[] {
    return this.#moments.flatMap(({ m, v }) => [m, v]);
  }

  /** Counts one update more and gives its bias corrections. */
  nextCorrections(): { first: number; second: number } {
    const { beta1, beta2 } = this.#options;
    this.#updates++;
    return { first: 1 - beta1 ** this.#updates, second: 1 - beta2 ** this.#updates };
  }

  /** One update by the gradient `scale · vectors`, a flat vector for each group. */
  update(vectors: readonly tf.Tensor1D[], scalars: UpdateScalars): void {
    this.groups.forEach((group, i) => {
      const { learningRate } = scalars;
      tf.tidy(() => {
        const lr = group.trunk ? learningRate.mul<tf.Scalar>(this.#options.trunkMultiplier) : learningRate;
        const decay = group.decay ? tf.sub<tf.Scalar>(1, lr.mul(this.#options.weightDecay)) : undefined;
        if (ownOperationsInUse()) this.#updateFused(group, i, vectors[i]!, scalars, lr, decay);
        else this.#updateComposed(group, i, vectors[i]!, scalars, lr, decay);
      });
    });
  }

  #updateFused(
    group: ParameterGroup,
    i: number,
    vector: tf.Tensor1D,
    { scale, firstCorrection, secondCorrection }: UpdateScalars,
    lr: tf.Scalar,
    decay: tf.Scalar = tf.scalar(1),
  ): void {
    const { beta1, beta2, epsilon } = this.#options;
    const { m, v } = this.#moments[i]!;
    const attributes = {
      N: { kind: 'int', value: group.variables.length },
      // 1 − β and not β, which float32 attributes would hold too coarsely to take from 1.
      one_minus_beta1: { kind: 'float', value: 1 - beta1 },
      one_minus_beta2: { kind: 'float', value: 1 - beta2 },
      epsilon: { kind: 'float', value: epsilon },
    } as const;
    const targets = [m, v, ...group.variables];
    const operands = [vector, m, v, scale, lr, decay, firstCorrection, secondCorrection, ...group.variables];
    const values = ownOperation('StfAdamW', attributes, operands, targets.length);
    targets.forEach((target, k) => {
      target.assign(values[k]!);
    });
  }

  #updateComposed(
    group: ParameterGroup,
    i: number,
    vector: tf.Tensor1D,
    scalars: UpdateScalars,
    lr: tf.Scalar,
    decay?: tf.Scalar,
  ): void {
    const { beta1, beta2, epsilon } = this.#options;
    const { m, v } = this.#moments[i]!;
    const g = vector.mul<tf.Tensor1D>(scalars.scale);
    m.assign(m.mul(beta1).add(g.mul(1 - beta1)));
    v.assign(v.mul(beta2).add(g.square().mul(1 - beta2)));
    const mHat = m.div(scalars.firstCorrection);
    const vHat = v.div(scalars.secondCorrection);
    const p = flatten(group.variables);
    const decayed = decay ? p.mul<tf.Tensor1D>(decay) : p;
    const next = decayed.sub<tf.Tensor1D>(mHat.div(vHat.sqrt().add(epsilon)).mul(lr));
    const pieces = unflatten(
      next,
      group.variables.map(({ shape }) => shape),
    );
    group.variables.forEach((variable, k) => {
      variable.assign(pieces[k]!);
    });
  }

  /** Both moments of every parameter, in host memory. */
  exportMoments(): Moments {
    const moments: Moments = new Map();
    this.groups.forEach(({ names, variables }, i) => {
      const m = this.#moments[i]!.m.dataSync<'float32'>();
      const v = this.#moments[i]!.v.dataSync<'float32'>();
      let at = 0;
      names.forEach((name, k) => {
        const end = at + variables[k]!.size;
        moments.set(name, { m: m.subarray(at, end), v: v.subarray(at, end) });
        at = end;
      });
    });
    return moments;
  }

  /** Puts back what exportMoments gave, with the number of updates that it stood for. */
  importMoments(moments: Moments, updates: number) {
    this.#updates = updates;
    this.groups.forEach(({ names, variables }, i) => {
      const size = this.#moments[i]!.m.size;
      for (const part of ['m', 'v'] as const) {
        const flat = new Float32Array(size);
        let at = 0;
        names.forEach((name, k) => {
          flat.set(moments.get(name)![part], at);
          at += variables[k]!.size;
        });
        tf.tidy(() => this.#moments[i]![part].assign(tf.tensor1d(flat)));
      }
    });
  }

  dispose() {
    for (const { m, v } of this.#moments) tf.dispose([m, v]);
  }
}
