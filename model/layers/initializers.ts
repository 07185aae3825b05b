/** A seeded draw from [0,1). The model owns no generator: the caller decides where randomness comes from. */
export type UniformSource = () => number;

/** Initial values of one parameter tensor, drawn element by element in row-major order. */
export type Initializer = (shape: readonly number[], uniform: UniformSource) => Float32Array;

/** Standard deviation of kernels, as in ConvNeXt V2 (Woo et al., 2023). */
const KERNEL_DEVIATION = 0.02;
/** Draws further out than this many standard deviations are drawn again. */
const TRUNCATION = 2;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

export const constant =
  (value: number): Initializer =>
  (shape) =>
    new Float32Array(sizeOf(shape)).fill(value);

/** Independent draws from `[low, high)`. */
export const uniformBetween =
  (low: number, high: number): Initializer =>
  (shape, uniform) =>
    Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * uniform());

/** Normal draws (Box and Muller, 1958), those beyond two standard deviations rejected, not rescaled. */
export const truncatedNormal =
  (deviation = KERNEL_DEVIATION): Initializer =>
  (shape, uniform) => {
    const values = new Float32Array(sizeOf(shape));
    let filled = 0;
    while (filled < values.length) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      for (const z of [radius * Math.cos(angle), radius * Math.sin(angle)]) {
        if (Math.abs(z) <= TRUNCATION && filled < values.length) values[filled++] = deviation * z;
      }
    }
    return values;
  };
