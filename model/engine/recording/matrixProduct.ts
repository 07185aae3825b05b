import type { Attributes, GraphTensor, RecordedGraph } from './recordedGraph.js';

/**
 * A product of one pair of matrices, which tfjs computes by the operation for batches, as TensorFlow's plain product:
 * that one is faster, and the graph optimiser can fuse it with the addition of a bias.
 *
 * @returns undefined for batches
 */
export function asMatrixProduct(
  graph: RecordedGraph,
  name: string,
  inputs: readonly GraphTensor[],
  attributes: Attributes,
): GraphTensor[] | undefined {
  if (name !== 'BatchMatMulV2' || inputs.some(({ shape }) => shape.length !== 2)) return undefined;
  const { adj_x, adj_y, T } = attributes;
  return graph.add('MatMul', inputs, { T: T!, transpose_a: adj_x!, transpose_b: adj_y! });
}
