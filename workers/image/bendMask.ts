import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, growBox, isEmptyBox } from './box.js';

/**
 * Displacements in pixels on a regular grid that is laid over a picture: node (column, row) lies at
 * (left + column * stepX, top + row * stepY). Between nodes bilinear, beyond the grid as at its edge.
 */
export type DisplacementGrid = {
  nodes: number;
  left: number;
  top: number;
  stepX: number;
  stepY: number;
  /** `[nodes, nodes]`, row by row. */
  dx: Float64Array;
  dy: Float64Array;
};

/**
 * Bends one float mask: what lay at p - d(p) comes to p, bilinear, 0 from outside. The target must be 0 beforehand.
 *
 * @param source 0 outside `sourceBox`
 * @returns the part of the target outside which it is 0
 */
export function bendMask(
  source: Float32Array,
  target: Float32Array,
  offset: number,
  width: number,
  height: number,
  sourceBox: Box,
  grid: DisplacementGrid,
): Box {
  const box = growBox(sourceBox, Math.ceil(farthest(grid)), width, height);
  if (isEmptyBox(box)) return box;
  const { nodes, dx, dy } = grid;
  const columns = nodesOf(width, grid.left, grid.stepX, nodes);
  const rows = nodesOf(height, grid.top, grid.stepY, nodes);
  beginCall();
  kernels.bendMask(
    input(source, offset, width * height),
    output(target, offset, width * height),
    width,
    height,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    input(columns.node),
    input(columns.share),
    input(rows.node),
    input(rows.share),
    nodes,
    input(dx),
    input(dy),
    scratch(nodes * 8),
    scratch(nodes * 8),
  );
  endCall();
  return box;
}

/** For every pixel along one axis the last node before it and how far it lies past it, in steps. */
function nodesOf(
  length: number,
  first: number,
  step: number,
  nodes: number,
): { node: Int32Array; share: Float64Array } {
  const node = new Int32Array(length);
  const share = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const at = Math.min(nodes - 1, Math.max(0, (i - first) / step));
    node[i] = Math.min(Math.floor(at), nodes - 2);
    share[i] = at - node[i]!;
  }
  return { node, share };
}

function farthest({ dx, dy }: DisplacementGrid): number {
  let most = 0;
  for (let i = 0; i < dx.length; i++) most = Math.max(most, Math.abs(dx[i]!), Math.abs(dy[i]!));
  return most;
}
