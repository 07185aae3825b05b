import * as tf from '@tensorflow/tfjs';
import { constant, type Initializer, truncatedNormal, type UniformSource } from './initializers.js';

/**
 * Creates a model's tensors under dotted names (`stage1.0.tap_x.kernel`) in the order of creation, which is therefore
 * also the order of their draws from the uniform source.
 */
export class ParameterScope {
  readonly #prefix: string;
  readonly #trainable: boolean;

  private constructor(
    readonly parameters: Map<string, tf.Variable>,
    readonly uniform: UniformSource,
    prefix: string,
    trainable: boolean,
  ) {
    this.#prefix = prefix;
    this.#trainable = trainable;
  }

  static root(uniform: UniformSource): ParameterScope {
    return new ParameterScope(new Map(), uniform, '', true);
  }

  /** Name of the part that this is the scope of, empty at the root. */
  get name(): string {
    return this.#prefix.slice(0, -1);
  }

  /** All parameters created in this scope so far. */
  variables(): tf.Variable[] {
    return [...this.parameters].filter(([name]) => name.startsWith(this.#prefix)).map(([, variable]) => variable);
  }

  /** The scope of a part: names in it begin with `name.` */
  within(name: string | number): ParameterScope {
    return new ParameterScope(this.parameters, this.uniform, `${this.#prefix}${name}.`, this.#trainable);
  }

  /** This scope, or one of the same name whose variables are not trainable. */
  frozenIf(frozen: boolean): ParameterScope {
    return frozen ? new ParameterScope(this.parameters, this.uniform, this.#prefix, false) : this;
  }

  create(leaf: string, shape: number[], init: Initializer): tf.Variable {
    const name = this.#prefix + leaf;
    if (this.parameters.has(name)) throw new Error(`Expected a new parameter name but received ${name} twice`);
    // The engine's own names stay automatic: tfjs refuses two variables of one name, and two models may live at once.
    const variable = tf.tidy(() =>
      tf.variable(tf.tensor(init(shape, this.uniform), shape, 'float32'), this.#trainable),
    );
    this.parameters.set(name, variable);
    return variable;
  }

  /** A weight tensor: truncated normal unless told otherwise. */
  kernel(leaf: string, shape: number[], init: Initializer = truncatedNormal()): tf.Variable {
    return this.create(leaf, shape, init);
  }

  zeros(leaf: string, shape: number[], init: Initializer = constant(0)): tf.Variable {
    return this.create(leaf, shape, init);
  }

  ones(leaf: string, shape: number[]): tf.Variable {
    return this.create(leaf, shape, constant(1));
  }
}
