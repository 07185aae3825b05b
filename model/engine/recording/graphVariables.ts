import type * as tf from '@tensorflow/tfjs';
import { type GraphTensor, type RecordedGraph, TYPES } from './recordedGraph.js';

/** A variable of the graph that stands for one of tfjs. */
type Twin = { handle: GraphTensor; value: GraphTensor; input: GraphTensor; load: number };

/**
 * Variables inside a graph, each the twin of one of tfjs. While a recorded step runs, the twins hold what is true; what
 * is assigned to a variable of tfjs from outside is noticed and taken over before the next run.
 */
export class GraphVariables {
  readonly #twins = new Map<tf.Variable, Twin>();
  /** The data that each variable of tfjs had when both were last equal. */
  readonly #taken = new Map<tf.Variable, object>();

  constructor(
    private readonly graph: RecordedGraph,
    readonly variables: readonly tf.Variable[],
  ) {
    for (const [i, variable] of variables.entries()) {
      if (variable.dtype !== 'float32')
        throw new RangeError(`Expected float32 variables but received ${variable.dtype}`);
      const { shape } = variable;
      const [handle] = graph.add('VarHandleOp', [], {
        dtype: { kind: 'type', value: TYPES.float32 },
        shape: { kind: 'shape', value: shape },
        shared_name: { kind: 'string', value: `variable ${i}` },
        container: { kind: 'string', value: '' },
      });
      const input = graph.placeholder(TYPES.float32, shape);
      this.#twins.set(variable, {
        handle: handle!,
        value: this.#read(handle!),
        input,
        load: this.#write(handle!, input),
      });
    }
  }

  /** What a variable holds, as it enters a step. */
  valueOf(variable: tf.Variable): GraphTensor {
    return this.#twins.get(variable)!.value;
  }

  /** A node that gives a variable a new value, once the step has read the old one. */
  assign(variable: tf.Variable, value: GraphTensor): number {
    const twin = this.#twins.get(variable)!;
    return this.#write(twin.handle, value, [this.graph.nodeOf(twin.value)]);
  }

  /** Takes over what was assigned to variables of tfjs since the last time. */
  load(): void {
    const changed = this.variables.filter((variable) => this.#taken.get(variable) !== variable.dataId);
    if (changed.length === 0) return;
    this.graph.native.run({
      feeds: changed.map((variable) => ({
        output: this.#twins.get(variable)!.input.output,
        shape: variable.shape,
        values: variable.dataSync(),
      })),
      fetches: [],
      targets: changed.map((variable) => this.#twins.get(variable)!.load),
    });
    this.note(changed);
  }

  /** What variables hold, in host memory. */
  read(variables: readonly tf.Variable[]): Float32Array[] {
    if (variables.length === 0) return [];
    const fetches = variables.map((variable) => this.valueOf(variable).output);
    const { values } = this.graph.native.run({ feeds: [], fetches, targets: [] });
    return values.map((value) => new Float32Array(value.values));
  }

  /** Notes that variables of tfjs and their twins are equal. */
  note(variables: readonly tf.Variable[]): void {
    for (const variable of variables) this.#taken.set(variable, variable.dataId);
  }

  #read(handle: GraphTensor): GraphTensor {
    return this.graph.add('ReadVariableOp', [handle], { dtype: { kind: 'type', value: TYPES.float32 } })[0]!;
  }

  #write(handle: GraphTensor, value: GraphTensor, controls: number[] = []): number {
    const dtype = { kind: 'type', value: TYPES.float32 } as const;
    const attributes = { dtype, validate_shape: { kind: 'bool', value: true } } as const;
    return this.graph.addEffect('AssignVariableOp', [handle, value], attributes, controls);
  }
}
