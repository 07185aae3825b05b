import type { GraphAttribute, GraphNode, GraphOutput, NativeGraph } from '../ownAddon.js';
import { flopCount } from './flopCount.js';
import { currentPlace, ofPlace } from './place.js';
import { RecordingError } from './recordingError.js';

/** TensorFlow's numbers of the types in use (tensorflow/core/framework/types.proto). */
export const TYPES = { float32: 1, uint8: 4, int32: 3, int64: 9, bool: 10, bfloat16: 14, resource: 20 } as const;

/** An output whose shape is known. */
export type GraphTensor = GraphOutput & { shape: number[] };

export type Attributes = Readonly<Record<string, GraphAttribute>>;

export type ControlledBy = readonly number[];

/** Constants of up to so many bytes are looked for among those that are there. */
const SHARED_CONSTANT_BYTES = 256;

/** A graph under construction: gives nodes their names, and says of what cannot be added where it stood. */
export class RecordedGraph {
  readonly #constants = new Map<string, GraphTensor>();
  readonly #nodeOf: number[] = [];
  #nodes = 0;
  #flops = 0;
  /** Whether floating-point operations are counted; those of a recomputation are not, as the model does not need them. */
  counting = true;

  constructor(readonly native: NativeGraph) {}

  get nodes(): number {
    return this.#nodes;
  }

  /** Floating-point operations that all nodes so far stand for. */
  get flops(): number {
    return this.#flops;
  }

  /** @throws RecordingError if TensorFlow does not take the node, or does not know the shape of what it gives. */
  add(
    type: string,
    inputs: readonly GraphTensor[],
    attributes: Attributes,
    controls: ControlledBy = [],
  ): GraphTensor[] {
    const { outputs } = this.#add(type, inputs, attributes, controls);
    const known = outputs.map((output) => {
      if (output.shape === undefined || output.shape.some((n) => n < 0)) {
        throw new RecordingError(`${described(type)} gives a tensor whose shape depends on values`);
      }
      return output as GraphTensor;
    });
    if (this.counting) this.#flops += flopCount(type, inputs, known, attributes);
    return known;
  }

  /** A node that is run for what it does; returns its number, for controls and targets. */
  addEffect(type: string, inputs: readonly GraphOutput[], attributes: Attributes, controls: ControlledBy = []): number {
    return this.#add(type, inputs, attributes, controls).operation;
  }

  constant(dtype: number, shape: readonly number[], value: ArrayBufferView): GraphTensor {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const key = bytes.length <= SHARED_CONSTANT_BYTES ? `${dtype} ${shape} ${bytes.toString('base64')}` : undefined;
    const known = key !== undefined && this.#constants.get(key);
    if (known) return known;
    const [made] = this.add('Const', [], {
      dtype: { kind: 'type', value: dtype },
      value: { kind: 'tensor', dtype, shape, value },
    });
    if (key !== undefined) this.#constants.set(key, made!);
    return made!;
  }

  placeholder(dtype: number, shape: readonly number[]): GraphTensor {
    const [made] = this.add('Placeholder', [], {
      dtype: { kind: 'type', value: dtype },
      shape: { kind: 'shape', value: shape },
    });
    return made!;
  }

  /** The number of the node that an output comes from. */
  nodeOf({ output }: GraphOutput): number {
    return this.#nodeOf[output]!;
  }

  #add(type: string, inputs: readonly GraphOutput[], attributes: Attributes, controls: ControlledBy): GraphNode {
    const place = `step/${currentPlace()}/`.replaceAll(/[^A-Za-z0-9_./-]/g, '_').replaceAll(/\/+/g, '/');
    const name = `${place}${type}_${this.#nodes++}`;
    let node: GraphNode;
    try {
      node = this.native.addOperation({
        type,
        name: name,
        inputs: inputs.map(({ output }) => output),
        controls,
        attributes,
      });
    } catch (error) {
      throw new RecordingError(`${described(type)} cannot be recorded: ${(error as Error).message}`);
    }
    for (const { output } of node.outputs) this.#nodeOf[output] = node.operation;
    return node;
  }
}

const described = (type: string): string => `the operation ${type}${ofPlace()}`;
