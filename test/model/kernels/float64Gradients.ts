/** A function of lists of numbers, in float64. */
export type Float64Function = (...inputs: Float64Array[]) => Float64Array;

/** Gradients of `Σ weight⊙f(inputs)` by central differences in float64, along every coordinate. */
export function float64Gradients(f: Float64Function, inputs: Float64Array[], weight: Float64Array): Float64Array[] {
  const step = 1e-5;
  const objective = (given: Float64Array[]) => f(...given).reduce((sum, value, i) => sum + value * weight[i]!, 0);
  return inputs.map((input, which) => {
    const at = (i: number, shift: number) => {
      const moved = input.slice();
      moved[i]! += shift;
      return objective(inputs.map((other, k) => (k === which ? moved : other)));
    };
    return Float64Array.from(input, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
  });
}
