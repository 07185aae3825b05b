import { reflect101 } from './reflect101.js';

/**
 * How sharp a picture is: the variance of the Laplacian of its brightness (Pech-Pacheco et al., 2000), as OpenCV has it
 * (`cvtColor` to grey, `Laplacian` with the aperture of four neighbours, borders mirrored). A softer picture has less.
 *
 * @param rgb `[height, width, 3]` from `offset`
 */
export function laplacianVariance(rgb: Uint8Array, offset: number, width: number, height: number): number {
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = offset; i < grey.length; i++, at += 3)
    grey[i] = (rgb[at]! * RED + rgb[at + 1]! * GREEN + rgb[at + 2]! * BLUE + HALF) >> BITS;
  let sum = 0;
  let squares = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const above = reflect101(y - 1, height) * width;
    const below = reflect101(y + 1, height) * width;
    for (let x = 0; x < width; x++) {
      const left = grey[row + reflect101(x - 1, width)]!;
      const right = grey[row + reflect101(x + 1, width)]!;
      const bend = left + right + grey[above + x]! + grey[below + x]! - 4 * grey[row + x]!;
      sum += bend;
      squares += bend * bend;
    }
  }
  const mean = sum / grey.length;
  return squares / grey.length - mean * mean;
}

// OpenCV's weights of brightness (ITU-R BT.601), whole numbers over 2^15.
const BITS = 15;
const HALF = 1 << (BITS - 1);
const RED = 9798;
const GREEN = 19235;
const BLUE = 3735;
