import { type Attributes, type GraphTensor, type RecordedGraph, TYPES } from './recordedGraph.js';

/**
 * The operations that run in bfloat16, and which of their inputs are the numbers: matrix products and full convolutions,
 * which add up in float32 inside. All else stays in float32, depthwise convolutions and our own operations too.
 */
const NARROW: Readonly<Record<string, readonly number[]>> = {
  MatMul: [0, 1],
  BatchMatMulV2: [0, 1],
  Conv2D: [0, 1],
  Conv2DBackpropInput: [1, 2],
  Conv2DBackpropFilter: [0, 2],
};

const type = (value: number) => ({ kind: 'type', value }) as const;

function cast(graph: RecordedGraph, x: GraphTensor, to: number): GraphTensor {
  return graph.add('Cast', [x], { SrcT: type(x.dtype), DstT: type(to), Truncate: { kind: 'bool', value: false } })[0]!;
}

/**
 * Adds an operation with its numbers cast to bfloat16 and its result cast back, if it is one that gains by it.
 *
 * @param add adds the operation itself
 * @param narrowed casts that are there already, by number of the output
 * @returns undefined for all others
 */
export function castToBfloat16(
  graph: RecordedGraph,
  add: RecordedGraph['add'],
  name: string,
  inputs: readonly GraphTensor[],
  attributes: Attributes,
  narrowed: Map<number, GraphTensor>,
): GraphTensor[] | undefined {
  const places = NARROW[name];
  if (!places || inputs[places[0]!]!.dtype !== TYPES.float32) return undefined;
  const narrow = (x: GraphTensor) => {
    const made = narrowed.get(x.output) ?? cast(graph, x, TYPES.bfloat16);
    narrowed.set(x.output, made);
    return made;
  };
  const operands = inputs.map((x, i) => (places.includes(i) ? narrow(x) : x));
  return add(name, operands, { ...attributes, T: type(TYPES.bfloat16) }).map((y) => cast(graph, y, TYPES.float32));
}
