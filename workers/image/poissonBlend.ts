import { type Box, growBox } from './box.js';
import { harmonicFill } from './harmonicFill.js';

/** The solver ends with a step that changes no value by more than this many levels; the error is then a tenth of it. */
const TOLERANCE = 0.5;

let values = new Float32Array(0);
let inside = new Uint8Array(0);

/**
 * Seamless cloning (Perez, Gangnet & Blake 2003): inside mask > 1/2 the blend has the source's gradients and continues
 * the target at the outline (div grad f = div grad source, f = target outside), then f and target are mixed by `ratio`.
 * With f = source + e the correction e solves Laplace's equation with target - source at the outline. Rounded.
 *
 * @param picture the target; becomes the blend. RGB `[height, width, 3]` from `offset`
 * @param source RGB `[height, width, 3]` from 0, needed one pixel farther than `box`
 * @param mask `[height, width]` from `maskOffset`, 0 outside `box`; times `scale` it lies in 0..1
 * @param sweeps most sweeps of the solver over the region
 */
export function poissonBlend(
  picture: Uint8Array,
  offset: number,
  source: Uint8Array,
  mask: Uint8Array | Float32Array,
  maskOffset: number,
  scale: number,
  ratio: number,
  width: number,
  height: number,
  box: Box,
  sweeps: number,
): void {
  const region = growBox(box, 1, width, height);
  const [w, h] = [region.x1 - region.x0, region.y1 - region.y0];
  if (inside.length < w * h) {
    inside = new Uint8Array(w * h);
    values = new Float32Array(w * h * 3);
  }
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0, at = (region.y0 + y) * width + region.x0; x < w; x++, at++, i++) {
      const edge = x === 0 || y === 0 || x === w - 1 || y === h - 1;
      inside[i] = !edge && mask[maskOffset + at]! * scale > 0.5 ? 1 : 0;
      for (let k = 0; k < 3; k++) values[3 * i + k] = picture[offset + 3 * at + k]! - source[3 * at + k]!;
    }
  }
  harmonicFill(values, inside, w, h, sweeps, TOLERANCE);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0, at = (region.y0 + y) * width + region.x0; x < w; x++, at++, i++) {
      if (inside[i] === 0) continue;
      for (let k = 0; k < 3; k++) {
        const p = offset + 3 * at + k;
        const cloned = source[3 * at + k]! + values[3 * i + k]!;
        const level = Math.floor(picture[p]! + ratio * (cloned - picture[p]!) + 0.5);
        picture[p] = Math.max(0, Math.min(255, level));
      }
    }
  }
}
