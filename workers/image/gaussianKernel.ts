/** Normalised Gaussian taps, as OpenCV's getGaussianKernel gives them for sigma > 0. `size` is odd. */
export function gaussianKernel(size: number, sigma: number): Float32Array {
  if (!Number.isInteger(size) || size < 1 || size % 2 === 0)
    throw new RangeError(`Expected an odd positive number for size but received ${size}`);
  if (!(sigma > 0)) throw new RangeError(`Expected a positive number for sigma but received ${sigma}`);
  const radius = (size - 1) / 2;
  const taps = Array.from({ length: size }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const sum = taps.reduce((a, b) => a + b, 0);
  return Float32Array.from(taps, (tap) => tap / sum);
}

/** OpenCV's width for a kernel of which only the size is given. */
export const sigmaOfSize = (size: number): number => 0.3 * ((size - 1) / 2 - 1) + 0.8;

/** OpenCV's size for a float picture of which only the width is given: four sigma each side. */
export const sizeOfSigma = (sigma: number): number => Math.round(sigma * 8 + 1) | 1;
