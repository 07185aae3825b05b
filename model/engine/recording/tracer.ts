import * as tf from '@tensorflow/tfjs';
import type { GraphAttribute } from '../ownAddon.js';
import type { GraphVariables } from './graphVariables.js';
import { float32Needed } from './inFloat32.js';
import { asMatrixProduct } from './matrixProduct.js';
import { castToBfloat16 } from './mixedPrecision.js';
import { ofPlace } from './place.js';
import { type Attributes, type GraphTensor, type RecordedGraph, TYPES } from './recordedGraph.js';
import { RecordingError } from './recordingError.js';

type TfjsAttribute = { name: string; type: number; value: unknown };

/** A number that the package hands to operations which want 64 bits; tfjs has no such tensors. */
type Int64Scalar = { valueArray: Int32Array; shape: [] };

/** The native backend, as far as recording gets in between. */
type NativeBackend = {
  readonly binding: Record<string, number> & { tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array };
  readonly tensorMap: { get(id: object): TensorData | undefined; set(id: object, data: TensorData): void };
  executeSingleOutput(name: string, attributes: TfjsAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: TfjsAttribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
  readSync(id: object): unknown;
};

/** `values`: what JavaScript wrote and the engine has not seen yet; `id`: the engine's tensor, −1 for none. */
type TensorData = { shape: number[]; dtype: number; values: ArrayLike<number> | null; id: number; refCount: number };

let running: Tracer | undefined;

/** The recording that is under way. */
export const runningTracer = (): Tracer | undefined => running;

export type TracerOptions = { bfloat16: boolean };

/**
 * Records what tfjs would compute as nodes of a graph, without computing it: while it runs, every kernel of the native
 * backend adds a node and gets tensors without values, whose shapes TensorFlow infers.
 */
export class Tracer {
  readonly #sources = new WeakMap<object, GraphTensor>();
  readonly #narrowed = new Map<number, GraphTensor>();
  readonly #backend = tf.backend() as unknown as NativeBackend;
  readonly #variableOf = new Map<object, tf.Variable>();

  constructor(
    readonly graph: RecordedGraph,
    private readonly variables: GraphVariables,
    private readonly options: TracerOptions,
  ) {}

  /**
   * Runs `body`, recorded. Variables that it assigns keep their values in tfjs; the nodes that assign their twins are
   * returned.
   */
  run<Result>(body: () => Result): { result: Result; assignments: number[] } {
    const { variables } = this.variables;
    // Assigning frees what a variable held, unless somebody else holds it too.
    const before = variables.map((variable) => tf.keep(tf.clone(variable)));
    for (const [i, variable] of variables.entries()) this.#variableOf.set(before[i]!.dataId, variable);
    const outer = running;
    try {
      running = this;
      this.#intercept();
      const result = body();
      const assigned = variables.filter((variable, i) => variable.dataId !== before[i]!.dataId);
      return {
        result,
        assignments: assigned.map((variable) => this.variables.assign(variable, this.sourceOf(variable))),
      };
    } finally {
      this.#release();
      running = outer;
      for (const [i, variable] of variables.entries()) {
        if (variable.dataId !== before[i]!.dataId) variable.assign(before[i]!);
      }
      tf.dispose(before);
    }
  }

  /** Computes `body` with the engine's own kernels in the midst of a recording. */
  suspended<Result>(body: () => Result): Result {
    this.#release();
    running = undefined;
    try {
      return body();
    } finally {
      running = this;
      this.#intercept();
    }
  }

  /** A tensor without values that stands for an output of the graph. */
  tensor(output: GraphTensor, dtype: tf.DataType): tf.Tensor {
    const dataId = {};
    this.#backend.tensorMap.set(dataId, {
      shape: output.shape,
      dtype: output.dtype,
      values: null,
      id: -1,
      refCount: 1,
    });
    this.#sources.set(dataId, output);
    return tf.engine().makeTensorFromTensorInfo({ dataId, shape: output.shape, dtype });
  }

  /** The output of the graph that a tensor stands for; of any other tensor, a constant. */
  sourceOf(tensor: { dataId: object }): GraphTensor {
    const known = this.#sources.get(tensor.dataId);
    if (known) return known;
    const variable = this.#variableOf.get(tensor.dataId);
    const source = variable ? this.variables.valueOf(variable) : this.#constantOf(tensor.dataId);
    this.#sources.set(tensor.dataId, source);
    return source;
  }

  #constantOf(dataId: object): GraphTensor {
    const data = this.#backend.tensorMap.get(dataId);
    if (!data) throw new RecordingError(`a tensor of another engine takes part in it${ofPlace()}`);
    const values = data.values ?? this.#backend.binding.tensorDataSync(data.id);
    return this.graph.constant(data.dtype, data.shape, bytesOf(values, data.dtype));
  }

  #intercept(): void {
    this.#backend.executeMultipleOutputs = (name, attributes, inputs) => this.#record(name, attributes, inputs);
    this.#backend.executeSingleOutput = (name, attributes, inputs) => this.#record(name, attributes, inputs)[0]!;
    const readSync = this.#backend.readSync;
    this.#backend.readSync = (dataId) => {
      if (this.#sources.has(dataId) && !this.#backend.tensorMap.get(dataId)?.values) {
        throw new RecordingError(`it reads a result back${ofPlace()}`);
      }
      return readSync.call(this.#backend, dataId);
    };
  }

  #release(): void {
    // The methods of the class come back to light.
    const backend = this.#backend as Partial<NativeBackend>;
    delete backend.executeMultipleOutputs;
    delete backend.executeSingleOutput;
    delete backend.readSync;
  }

  #record(name: string, attributes: TfjsAttribute[], inputs: (tf.Tensor | Int64Scalar)[]): tf.Tensor[] {
    const listed = Object.fromEntries(attributes.map((one) => [one.name, this.#attribute(name, one)]));
    const sources = inputs.map((input) =>
      'valueArray' in input ? this.graph.constant(TYPES.int64, [], input.valueArray) : this.sourceOf(input),
    );
    return this.#add(name, sources, listed).map((output) => this.tensor(output, tfjsType(name, output.dtype)));
  }

  #add(name: string, inputs: GraphTensor[], attributes: Attributes): GraphTensor[] {
    const add = (name: string, inputs: readonly GraphTensor[], attributes: Attributes) =>
      asMatrixProduct(this.graph, name, inputs, attributes) ?? this.graph.add(name, inputs, attributes);
    const narrow = this.options.bfloat16 && !float32Needed();
    return (
      (narrow ? castToBfloat16(this.graph, add, name, inputs, attributes, this.#narrowed) : undefined) ??
      add(name, inputs, attributes)
    );
  }

  #attribute(operation: string, { name, type, value }: TfjsAttribute): GraphAttribute {
    const { binding } = this.#backend;
    switch (type) {
      case binding.TF_ATTR_TYPE:
        return { kind: 'type', value: value as number };
      case binding.TF_ATTR_INT:
        return { kind: 'int', value: value as number | number[] };
      case binding.TF_ATTR_BOOL:
        return { kind: 'bool', value: value as boolean };
      case binding.TF_ATTR_STRING:
        return { kind: 'string', value: value as string };
      case binding.TF_ATTR_FLOAT:
        return { kind: 'float', value: value as number };
      case binding.TF_ATTR_SHAPE:
        return { kind: 'shape', value: value as number[] };
      default:
        throw new RecordingError(
          `the operation ${operation}${ofPlace()} has the attribute ${name} of unknown type ${type}`,
        );
    }
  }
}

/**
 * Ties tensors to the moment at which `after` is known: what is computed from them waits for it. A recomputation would
 * else run as soon as it can, and that is at once, where it saves no memory. Eagerly, order is that of the code.
 */
export function waitFor<T extends tf.Tensor>(tensors: readonly T[], after: tf.Tensor): T[] {
  const tracer = running;
  if (!tracer) return [...tensors];
  const control = tracer.graph.nodeOf(tracer.sourceOf(after));
  return tensors.map((tensor) => {
    const source = tracer.sourceOf(tensor);
    const attributes = { T: { kind: 'type', value: source.dtype } } as const;
    const [waiting] = tracer.graph.add('Identity', [source], attributes, [control]);
    return tracer.tensor(waiting!, tensor.dtype) as T;
  });
}

/** Computes again what has been computed before, to save memory: a recording does not count it as work of the model. */
export function recomputed<Result>(body: () => Result): Result {
  const graph = running?.graph;
  if (!graph?.counting) return body();
  graph.counting = false;
  try {
    return body();
  } finally {
    graph.counting = true;
  }
}

/** Computes at once what must not become part of a recording under way, such as constants that are kept. */
export function outsideRecording<Result>(body: () => Result): Result {
  return running ? running.suspended(body) : body();
}

function tfjsType(operation: string, dtype: number): tf.DataType {
  switch (dtype) {
    case TYPES.float32:
      return 'float32';
    case TYPES.int32:
      return 'int32';
    case TYPES.bool:
      return 'bool';
    default:
      throw new RecordingError(`the operation ${operation}${ofPlace()} gives a tensor of TensorFlow's type ${dtype}`);
  }
}

function bytesOf(values: ArrayLike<number>, dtype: number): ArrayBufferView {
  if (ArrayBuffer.isView(values)) {
    const width = { [TYPES.float32]: 4, [TYPES.int32]: 4, [TYPES.int64]: 8 }[dtype] ?? 1;
    if (values.byteLength === values.length * width) return values;
  }
  switch (dtype) {
    case TYPES.float32:
      return Float32Array.from(values);
    case TYPES.int32:
      return Int32Array.from(values);
    case TYPES.bool:
    case TYPES.uint8:
      return Uint8Array.from(values);
    default:
      throw new RecordingError(`a constant${ofPlace()} has TensorFlow's type ${dtype}`);
  }
}
