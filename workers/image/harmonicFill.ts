import { type Grid, makeGrids, vCycle } from './multigrid.js';

/** Full-size sweeps in one iteration: forwards and backwards. */
const SWEEPS_PER_ITERATION = 2;

let direction = new Float32Array(0);
let image = new Float32Array(0);

/**
 * Fills a region so that it continues its surroundings as smoothly as a soap film: every inner pixel becomes the mean of
 * its four neighbours (discrete Laplace equation, Dirichlet boundary). Conjugate gradients, preconditioned by a
 * multigrid cycle (Kettler 1982), until a step changes no value by more than `tolerance` or `sweeps` sweeps are done.
 * The cycle alone diverges where coarse grids lose a thin gap in the region; with conjugate gradients it does not.
 *
 * @param values RGB `[height, width, 3]`; those of outer pixels are the boundary, those of inner ones are overwritten
 * @param inside `[height, width]`, not 0 for inner pixels; pixels on the picture's edge count as outer ones
 */
export function harmonicFill(
  values: Float32Array,
  inside: Uint8Array,
  width: number,
  height: number,
  sweeps: number,
  tolerance: number,
): void {
  const grids = makeGrids(inside, width, height);
  const grid = grids[0];
  if (!grid) return;
  if (direction.length < width * height * 3) {
    direction = new Float32Array(width * height * 3);
    image = new Float32Array(width * height * 3);
  }
  // The direction has to be 0 at outer pixels.
  direction.fill(0, 0, width * height * 3);
  const { spans } = grid;
  for (let s = 0; s < spans.length; s += 2) values.fill(0, 3 * spans[s]!, 3 * spans[s + 1]!);
  applyStencil(values, grid, -1, grid.right);
  let before = 0;
  for (let done = 0; done < sweeps; done += SWEEPS_PER_ITERATION) {
    vCycle(grids);
    const product = innerProduct(grid.right, grid.values, spans);
    if (product === 0) return;
    advance(direction, grid.values, done === 0 ? 0 : product / before, spans);
    applyStencil(direction, grid, 1, image);
    const step = product / innerProduct(direction, image, spans);
    const most = addScaled(values, direction, step, spans);
    addScaled(grid.right, image, -step, spans);
    if (most <= tolerance) return;
    before = product;
  }
}

/** sign * (4 v - sum of the four neighbours) at the inner pixels. */
function applyStencil(v: Float32Array, { spans, width }: Grid, sign: number, out: Float32Array): void {
  const below = 3 * width;
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++)
      out[i] = sign * (4 * v[i]! - v[i - 3]! - v[i + 3]! - v[i - below]! - v[i + below]!);
  }
}

function innerProduct(a: Float32Array, b: Float32Array, spans: Int32Array): number {
  let sum = 0;
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++) sum += a[i]! * b[i]!;
  }
  return sum;
}

/** p <- z + factor p */
function advance(p: Float32Array, z: Float32Array, factor: number, spans: Int32Array): void {
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++) p[i] = z[i]! + factor * p[i]!;
  }
}

/** v <- v + factor u; returns the largest change. */
function addScaled(v: Float32Array, u: Float32Array, factor: number, spans: Int32Array): number {
  let most = 0;
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++) {
      const change = factor * u[i]!;
      v[i]! += change;
      most = Math.max(most, Math.abs(change));
    }
  }
  return most;
}
