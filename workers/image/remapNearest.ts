import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';
import { reflect101 } from './reflect101.js';

/** For every output pixel the input pixel it is copied from, as a position in the frame; -1 for none (0). */
export type NearestMap = Int32Array;

/** Copies `box` of one mask frame `[*, width]` through `map` `[*, width]`. */
export function remapNearest(
  source: Uint8Array,
  target: Uint8Array,
  offset: number,
  width: number,
  box: Box,
  map: NearestMap,
): void {
  if (isEmptyBox(box)) return;
  const end = offset + width * box.y1;
  beginCall();
  kernels.remapNearest(
    input(source, offset, Math.min(source.length - offset, map.length)),
    output(target, offset, Math.min(target.length, end) - offset),
    width,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    input(map, 0, width * box.y1),
  );
  endCall();
}

/** The map of x -> scale * x + shift per axis; pixels that come from outside are 0. */
export function affineNearestMap(
  map: NearestMap,
  width: number,
  height: number,
  scaleX: number,
  scaleY: number,
  shiftX: number,
  shiftY: number,
): void {
  for (let y = 0, i = 0; y < height; y++) {
    const fromY = Math.floor((y - shiftY) / scaleY + 0.5);
    for (let x = 0; x < width; x++, i++) {
      const fromX = Math.floor((x - shiftX) / scaleX + 0.5);
      map[i] = fromX < 0 || fromX >= width || fromY < 0 || fromY >= height ? -1 : fromY * width + fromX;
    }
  }
}

/** The map (x, y) -> (x + dx, y + dy) inside `box`, mirrored at the borders. `dx`, `dy` `[height, width]`. */
export function displacementNearestMap(
  map: NearestMap,
  width: number,
  height: number,
  box: Box,
  dx: Float32Array,
  dy: Float32Array,
): void {
  for (let y = box.y0; y < box.y1; y++) {
    for (let x = box.x0; x < box.x1; x++) {
      const i = y * width + x;
      const fromX = reflect101(Math.floor(x + dx[i]! + 0.5), width);
      const fromY = reflect101(Math.floor(y + dy[i]! + 0.5), height);
      map[i] = fromY * width + fromX;
    }
  }
}
