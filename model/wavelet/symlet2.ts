/** What lies beyond the ends of a line of samples: its mirror image, or its other end. */
export type Boundary = 'reflect' | 'periodization';

const ROOT_3 = Math.sqrt(3);

/** Synthesis low-pass filter of the symlet with two vanishing moments, equal to Daubechies' db2 (Daubechies, 1988). */
export const LOW_PASS: readonly number[] = [1 + ROOT_3, 3 + ROOT_3, 3 - ROOT_3, 1 - ROOT_3].map(
  (tap) => tap / (4 * Math.SQRT2),
);

/** Its quadrature mirror, the high-pass filter. */
export const HIGH_PASS: readonly number[] = LOW_PASS.map((_, i) => (i % 2 === 0 ? 1 : -1) * LOW_PASS[3 - i]);

/** One sample of padding on each side makes n samples give exactly n/2 low and n/2 high coefficients. */
const PADDING = 1;

/**
 * One level of the wavelet transform of a line as a matrix `[n, n]`, row-major: low-pass rows on top, high-pass rows
 * below. With several segments the line is cut into equal runs that are transformed each for itself: first the low
 * rows of all runs, then the high rows.
 *
 * @param length samples in the line; each segment needs an even number of at least 2 (4 for `reflect` to differ from
 *   plain repetition)
 */
export function analysisMatrix(length: number, boundary: Boundary, segments = 1): Float32Array {
  const run = length / segments;
  if (!Number.isInteger(run) || run % 2 !== 0) {
    throw new RangeError(
      `Expected an even number of samples per segment but received ${length} samples in ${segments} segments`,
    );
  }
  const matrix = new Float32Array(length * length);
  const half = run / 2;
  for (let segment = 0; segment < segments; segment++) {
    for (let k = 0; k < half; k++) {
      const low = segment * half + k;
      const high = length / 2 + low;
      for (let tap = 0; tap < LOW_PASS.length; tap++) {
        const column = segment * run + wrap(2 * k - PADDING + tap, run, boundary);
        matrix[low * length + column] += LOW_PASS[tap];
        matrix[high * length + column] += HIGH_PASS[tap];
      }
    }
  }
  return matrix;
}

function wrap(index: number, length: number, boundary: Boundary): number {
  if (boundary === 'periodization') return (index + length) % length;
  if (index < 0) return -index;
  return index < length ? index : 2 * (length - 1) - index;
}
