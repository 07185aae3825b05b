import { halfSide } from './pyramid.js';

/**
 * One grid of a Poisson problem on a masked picture: 4 v - (sum of the four neighbours) = right at inner pixels, v = 0
 * at all others. Three channels side by side, `[height, width, 3]`.
 */
export type Grid = {
  width: number;
  height: number;
  /** Not 0 for inner pixels; pixels on the picture's edge never are. */
  inside: Uint8Array;
  /** Stretches of neighbouring inner pixels in reading order, as pairs of first and end. */
  spans: Int32Array;
  values: Float32Array;
  right: Float32Array;
  residual: Float32Array;
};

/** Grids of fewer pixels along a side are relaxed until they are as good as solved. */
const SMALLEST_SIDE = 8;
const SWEEPS_ON_SMALLEST = 8;

/** Memory of earlier calls, by level. */
const kept: Grid[] = [];

/** The picture's grid and its halvings: a coarse pixel is an inner one if the pixel at its place is. */
export function makeGrids(inside: Uint8Array, width: number, height: number): Grid[] {
  const grids: Grid[] = [];
  for (let level = 0, mask = inside, w = width, h = height; ; level++) {
    const spans = innerSpans(mask, w, h);
    if (spans.length === 0) return grids;
    const grid = reserve(level, w, h, mask, spans);
    grids.push(grid);
    if (Math.min(w, h) <= SMALLEST_SIDE) return grids;
    const [smallWidth, smallHeight] = [halfSide(w), halfSide(h)];
    const small = new Uint8Array(smallWidth * smallHeight);
    for (let y = 0; y < smallHeight; y++)
      for (let x = 0; x < smallWidth; x++) small[y * smallWidth + x] = mask[2 * y * w + 2 * x]!;
    [mask, w, h] = [small, smallWidth, smallHeight];
  }
}

/**
 * One V-cycle from a guess of 0 (Brandt 1977): a sweep of Gauss-Seidel forwards, the rest solved on the next coarser
 * grid, a sweep backwards. Forwards and backwards make it symmetric, so that it can precondition conjugate gradients.
 * Reads `right` of the first grid, leaves the approximate solution in its `values`.
 */
export function vCycle(grids: readonly Grid[], level = 0): void {
  const grid = grids[level]!;
  const coarse = grids[level + 1];
  grid.values.fill(0, 0, grid.width * grid.height * 3);
  if (!coarse) {
    for (let sweep = 0; sweep < SWEEPS_ON_SMALLEST; sweep++) sweepForwards(grid);
    for (let sweep = 0; sweep < SWEEPS_ON_SMALLEST; sweep++) sweepBackwards(grid);
    return;
  }
  sweepForwards(grid);
  restrictResidual(grid, coarse);
  vCycle(grids, level + 1);
  addEnlarged(coarse, grid);
  sweepBackwards(grid);
}

function sweepForwards({ values, right, spans, width }: Grid): void {
  const below = 3 * width;
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++)
      values[i] = 0.25 * (right[i]! + values[i - 3]! + values[i + 3]! + values[i - below]! + values[i + below]!);
  }
}

function sweepBackwards({ values, right, spans, width }: Grid): void {
  const below = 3 * width;
  for (let s = spans.length - 2; s >= 0; s -= 2) {
    const first = 3 * spans[s]!;
    for (let i = 3 * spans[s + 1]! - 1; i >= first; i--)
      values[i] = 0.25 * (right[i]! + values[i - 3]! + values[i + 3]! + values[i - below]! + values[i + below]!);
  }
}

/** What the grid's values leave over, as the right-hand side of the coarse grid: the transpose of `addEnlarged`. */
function restrictResidual({ values, right, residual, spans, width, height }: Grid, coarse: Grid): void {
  const below = 3 * width;
  residual.fill(0, 0, width * height * 3);
  for (let s = 0; s < spans.length; s += 2) {
    const end = 3 * spans[s + 1]!;
    for (let i = 3 * spans[s]!; i < end; i++)
      residual[i] =
        right[i]! + values[i - 3]! + values[i + 3]! + values[i - below]! + values[i + below]! - 4 * values[i]!;
  }
  for (let s = 0; s < coarse.spans.length; s += 2) {
    const y = Math.floor(coarse.spans[s]! / coarse.width);
    const toFine = 3 * (2 * y * width - 2 * y * coarse.width);
    for (let o = 3 * coarse.spans[s]!; o < 3 * coarse.spans[s + 1]!; o += 3) {
      for (let k = 0; k < 3; k++) {
        const i = toFine + 2 * o + k;
        coarse.right[o + k] =
          residual[i]! +
          0.5 * (residual[i - 3]! + residual[i + 3]! + residual[i - below]! + residual[i + below]!) +
          0.25 *
            (residual[i - below - 3]! + residual[i - below + 3]! + residual[i + below - 3]! + residual[i + below + 3]!);
      }
    }
  }
}

/** Bilinear from the coarse grid, whose pixels lie at even places, onto the inner pixels. */
function addEnlarged(coarse: Grid, { values, spans, width }: Grid): void {
  const small = coarse.values;
  for (let s = 0; s < spans.length; s += 2) {
    const y = Math.floor(spans[s]! / width);
    const upper = (y >> 1) * coarse.width;
    const lower = ((y + 1) >> 1) * coarse.width;
    for (let i = spans[s]!; i < spans[s + 1]!; i++) {
      const x = i - y * width;
      const left = 3 * (x >> 1);
      const next = 3 * ((x + 1) >> 1);
      for (let k = 0; k < 3; k++)
        values[3 * i + k]! +=
          0.25 *
          (small[3 * upper + left + k]! +
            small[3 * upper + next + k]! +
            small[3 * lower + left + k]! +
            small[3 * lower + next + k]!);
    }
  }
}

function innerSpans(inside: Uint8Array, width: number, height: number): Int32Array {
  const spans: number[] = [];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      if (inside[y * width + x] === 0) continue;
      const first = y * width + x;
      while (x < width - 1 && inside[y * width + x] !== 0) x++;
      spans.push(first, y * width + x);
    }
  }
  return Int32Array.from(spans);
}

function reserve(level: number, width: number, height: number, inside: Uint8Array, spans: Int32Array): Grid {
  const length = width * height * 3;
  const before = kept[level];
  const buffers =
    before && before.values.length >= length
      ? before
      : {
          values: new Float32Array(length),
          right: new Float32Array(length),
          residual: new Float32Array(length),
        };
  const { values, right, residual } = buffers;
  kept[level] = { width, height, inside, spans, values, right, residual };
  return kept[level];
}
