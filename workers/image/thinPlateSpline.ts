import { solveDense } from './solveDense.js';

/** r^2 log r^2, the fundamental solution of the biharmonic equation in the plane. */
const kernel = (squared: number): number => (squared === 0 ? 0 : squared * Math.log(squared));

/**
 * How much each control point's value counts at each place, for the surface of least bending energy that passes through
 * all of them (thin-plate spline, Bookstein 1989): value(place) = sum over k of E[place, k] value(control k). With the
 * kernel r^2 log r^2 and an affine part; the weights depend on the positions alone, so they serve any values.
 *
 * @param controls (x, y) `[m, 2]`
 * @param places (x, y) `[n, 2]`
 * @returns E `[n, m]`, or null if the control points lie on one line or coincide
 */
export function splineWeights(controls: Float64Array, places: Float64Array): Float64Array | null {
  const m = controls.length / 2;
  const size = m + 3;
  const between = (a: Float64Array, i: number, b: Float64Array, j: number): number =>
    kernel((a[2 * i]! - b[2 * j]!) ** 2 + (a[2 * i + 1]! - b[2 * j + 1]!) ** 2);
  const system = new Float64Array(size * size);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) system[i * size + j] = between(controls, i, controls, j);
    for (const [column, value] of [1, controls[2 * i]!, controls[2 * i + 1]!].entries()) {
      system[i * size + m + column] = value;
      system[(m + column) * size + i] = value;
    }
  }
  // One right-hand side per control point: coefficients of the spline that is 1 there and 0 at all others.
  const coefficients = new Float64Array(size * m);
  for (let k = 0; k < m; k++) coefficients[k * m + k] = 1;
  if (!solveDense(system, coefficients, size)) return null;

  const count = places.length / 2;
  const weights = new Float64Array(count * m);
  const terms = new Float64Array(size);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < m; i++) terms[i] = between(places, p, controls, i);
    terms[m] = 1;
    terms[m + 1] = places[2 * p]!;
    terms[m + 2] = places[2 * p + 1]!;
    for (let i = 0; i < size; i++)
      for (let k = 0; k < m; k++) weights[p * m + k]! += terms[i]! * coefficients[i * m + k]!;
  }
  return weights;
}
