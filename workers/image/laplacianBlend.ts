import { type Box, growBox } from './box.js';
import { halfSide, pyramidDown, pyramidUp } from './pyramid.js';

/** One picture of the pyramids; differences and blends are planes, one per channel. */
type Level = {
  width: number;
  height: number;
  mask: Float32Array;
  /** source - target */
  difference: Float32Array[];
  /** What is put together again, from this level down to the smallest. */
  blended: Float32Array[];
  /** The next level's difference at this level's size. */
  enlarged: Float32Array;
};

let levelsMade: Level[] = [];

/** How far from the mask, in pixels, a pyramid of so many pictures changes the target or looks at the source. */
export const laplacianReach = (levels: number): number => 4 * (2 ** (levels - 1) - 1);

/**
 * Blends each band of frequencies over a width of its own (Burt & Adelson 1983): the Laplacian pyramids of source and
 * target are mixed by the Gaussian pyramid of the mask and put together again. Since all of it is linear, the pyramid of
 * source - target is weighted and added to the target, so that equal pictures stay equal to the bit. Rounded.
 *
 * @param picture the target; becomes the blend. RGB `[height, width, 3]` from `offset`
 * @param source RGB `[height, width, 3]` from 0, needed as far as `laplacianReach` around `box`
 * @param mask `[height, width]` from `maskOffset`, 0 outside `box`; times `scale` it lies in 0..1
 * @param levels pictures in the pyramid, the full-size one included; fewer where the picture is too small
 * @returns the part that can have changed
 */
export function laplacianBlend(
  picture: Uint8Array,
  offset: number,
  source: Uint8Array,
  mask: Uint8Array | Float32Array,
  maskOffset: number,
  scale: number,
  width: number,
  height: number,
  box: Box,
  levels: number,
): Box {
  // Pixels are halved in the same pairs as in the whole picture, and its border is where the whole picture's is.
  const unit = 2 ** (levels - 1);
  const region = growBox(box, laplacianReach(levels) + unit, width, height);
  region.x0 -= region.x0 % unit;
  region.y0 -= region.y0 % unit;
  const pyramid = reserve(region.x1 - region.x0, region.y1 - region.y0, levels);
  const [base] = pyramid as [Level];
  const [red, green, blue] = base.difference as [Float32Array, Float32Array, Float32Array];
  for (let y = 0, i = 0; y < base.height; y++) {
    for (let x = 0, at = (region.y0 + y) * width + region.x0; x < base.width; x++, at++, i++) {
      const s = 3 * at;
      const p = offset + s;
      base.mask[i] = mask[maskOffset + at]! * scale;
      red[i] = source[s]! - picture[p]!;
      green[i] = source[s + 1]! - picture[p + 1]!;
      blue[i] = source[s + 2]! - picture[p + 2]!;
    }
  }
  for (let l = 1; l < pyramid.length; l++) {
    const { width: w, height: h, difference, mask: m } = pyramid[l - 1]!;
    pyramidDown(m, w, h, pyramid[l]!.mask);
    for (const [k, plane] of difference.entries()) pyramidDown(plane, w, h, pyramid[l]!.difference[k]!);
  }
  for (let l = pyramid.length - 1; l >= 0; l--) mixLevel(pyramid[l]!, pyramid[l + 1]);
  for (const [k, plane] of base.blended.entries()) {
    for (let y = 0, i = 0; y < base.height; y++) {
      const row = offset + ((region.y0 + y) * width + region.x0) * 3 + k;
      for (let p = row; p < row + 3 * base.width; p += 3, i++) {
        const level = Math.floor(picture[p]! + plane[i]! + 0.5);
        picture[p] = Math.max(0, Math.min(255, level));
      }
    }
  }
  return region;
}

/** mask * (difference - enlarged difference of the next level) + enlarged blend of the next level. */
function mixLevel({ width, height, difference, mask, blended, enlarged }: Level, next: Level | undefined): void {
  const pixels = width * height;
  for (const [k, plane] of difference.entries()) {
    const out = blended[k]!;
    if (!next) {
      for (let i = 0; i < pixels; i++) out[i] = mask[i]! * plane[i]!;
      continue;
    }
    pyramidUp(next.difference[k]!, width, height, enlarged);
    pyramidUp(next.blended[k]!, width, height, out);
    for (let i = 0; i < pixels; i++) out[i]! += mask[i]! * (plane[i]! - enlarged[i]!);
  }
}

function reserve(width: number, height: number, levels: number): Level[] {
  const sizes = [{ width, height }];
  for (let l = 1; l < levels; l++) {
    const { width: w, height: h } = sizes[l - 1]!;
    if (Math.min(w, h) < 2) break;
    sizes.push({ width: halfSide(w), height: halfSide(h) });
  }
  levelsMade = sizes.map((size, l) => {
    const pixels = size.width * size.height;
    const made = levelsMade[l];
    if (made && made.mask.length >= pixels) return { ...made, ...size };
    const plane = (): Float32Array => new Float32Array(pixels);
    const planes = (): Float32Array[] => [plane(), plane(), plane()];
    return { ...size, mask: plane(), difference: planes(), blended: planes(), enlarged: plane() };
  });
  return levelsMade;
}
