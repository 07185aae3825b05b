import { type Box, isEmptyBox } from './box.js';

/** Slack for points that lie exactly on a pixel centre. */
const EPSILON = 1e-9;
/** Scan lines per pixel row of an antialiased fill. */
const SUBROWS = 8;

/**
 * Sets to 255 the pixels whose centre lies inside or on the convex polygon. Vertices are not rounded to whole pixels:
 * rounding would make the outline of a slowly moving face jump.
 *
 * @param mask `[height, width]` from `offset`
 * @param polygon vertices (x, y) `[n, 2]`, pixel centres at whole numbers
 * @returns the pixels' bounding box, empty if the polygon covers no pixel centre
 */
export function fillConvex(
  mask: Uint8Array,
  offset: number,
  width: number,
  height: number,
  polygon: Float64Array,
): Box {
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  const [top, bottom] = verticalExtent(polygon);
  for (let y = Math.max(0, Math.ceil(top - EPSILON)); y <= Math.min(height - 1, Math.floor(bottom + EPSILON)); y++) {
    const [left, right] = spanAt(polygon, y);
    const x0 = Math.max(0, Math.ceil(left - EPSILON));
    const x1 = Math.min(width, Math.floor(right + EPSILON) + 1);
    if (x0 >= x1) continue;
    mask.fill(255, offset + y * width + x0, offset + y * width + x1);
    extend(box, x0, x1, y);
  }
  return isEmptyBox(box) ? { x0: 0, y0: 0, x1: 0, y1: 0 } : box;
}

/** As `fillConvex`, each pixel valued by how much of its square is covered (0 to 255), never lowering what is there. */
export function fillConvexAntialiased(
  mask: Uint8Array,
  offset: number,
  width: number,
  height: number,
  polygon: Float64Array,
): Box {
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  const [top, bottom] = verticalExtent(polygon);
  const cover = new Float64Array(width);
  for (let y = Math.max(0, Math.ceil(top - 0.5)); y <= Math.min(height - 1, Math.floor(bottom + 0.5)); y++) {
    cover.fill(0);
    let x0 = width;
    let x1 = 0;
    for (let sub = 0; sub < SUBROWS; sub++) {
      const [left, right] = spanAt(polygon, y - 0.5 + (sub + 0.5) / SUBROWS);
      if (!(left < right)) continue;
      const from = Math.max(0, Math.floor(left + 0.5));
      const to = Math.min(width - 1, Math.ceil(right - 0.5));
      for (let x = from; x <= to; x++)
        cover[x]! += Math.max(0, Math.min(right, x + 0.5) - Math.max(left, x - 0.5)) / SUBROWS;
      x0 = Math.min(x0, from);
      x1 = Math.max(x1, to + 1);
    }
    if (x0 >= x1) continue;
    const row = offset + y * width;
    for (let x = x0; x < x1; x++) mask[row + x] = Math.max(mask[row + x]!, Math.round(Math.min(1, cover[x]!) * 255));
    extend(box, x0, x1, y);
  }
  return isEmptyBox(box) ? { x0: 0, y0: 0, x1: 0, y1: 0 } : box;
}

function extend(box: Box, x0: number, x1: number, y: number): void {
  box.x0 = Math.min(box.x0, x0);
  box.x1 = Math.max(box.x1, x1);
  box.y0 = Math.min(box.y0, y);
  box.y1 = y + 1;
}

function verticalExtent(polygon: Float64Array): [number, number] {
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < polygon.length; i += 2) {
    top = Math.min(top, polygon[i]!);
    bottom = Math.max(bottom, polygon[i]!);
  }
  return [top, bottom];
}

/** Leftmost and rightmost point of the polygon at height y (a hair of rounding outside its extent is forgiven). */
function spanAt(polygon: Float64Array, y: number): [number, number] {
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  const n = polygon.length;
  for (let i = 0; i < n; i += 2) {
    const j = i + 2 === n ? 0 : i + 2;
    const ya = polygon[i + 1]!;
    const yb = polygon[j + 1]!;
    if (y < Math.min(ya, yb) - EPSILON || y > Math.max(ya, yb) + EPSILON) continue;
    const xa = polygon[i]!;
    const xb = polygon[j]!;
    if (Math.abs(yb - ya) <= EPSILON) {
      left = Math.min(left, xa, xb);
      right = Math.max(right, xa, xb);
    } else {
      const share = Math.min(1, Math.max(0, (y - ya) / (yb - ya)));
      const x = xa + share * (xb - xa);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  return [left, right];
}
