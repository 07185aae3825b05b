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
  const each = new Float64Array(m * m);
  for (let k = 0; k < m; k++) each[k * m + k] = 1;
  return splineThrough(controls, each, places);
}

/**
 * The same surfaces for values that are known, which takes fewer operations than weights for any.
 *
 * With a `relaxation` above 0 a surface may miss its values where that bends it less (smoothing spline, Wahba 1990); of
 * points in one place it then takes the mean.
 *
 * @param controls (x, y) `[m, 2]`
 * @param values at the control points, `[m, q]`: a surface for each column
 * @param places (x, y) `[n, 2]`
 * @returns the surfaces at the places, `[n, q]`, or null if the control points lie on one line or, without relaxation, coincide
 */
export function splineThrough(
  controls: Float64Array,
  values: Float64Array,
  places: Float64Array,
  relaxation = 0,
): Float64Array | null {
  const m = controls.length / 2;
  const q = values.length / m;
  const size = m + 3;
  const between = (a: Float64Array, i: number, b: Float64Array, j: number): number =>
    kernel((a[2 * i]! - b[2 * j]!) ** 2 + (a[2 * i + 1]! - b[2 * j + 1]!) ** 2);
  const system = new Float64Array(size * size);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) system[i * size + j] = between(controls, i, controls, j);
    system[i * size + i]! += relaxation;
    for (const [column, value] of [1, controls[2 * i]!, controls[2 * i + 1]!].entries()) {
      system[i * size + m + column] = value;
      system[(m + column) * size + i] = value;
    }
  }
  const coefficients = new Float64Array(size * q);
  coefficients.set(values);
  if (!solveDense(system, coefficients, size)) return null;

  const count = places.length / 2;
  const surfaces = new Float64Array(count * q);
  const terms = new Float64Array(size);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < m; i++) terms[i] = between(places, p, controls, i);
    terms[m] = 1;
    terms[m + 1] = places[2 * p]!;
    terms[m + 2] = places[2 * p + 1]!;
    for (let i = 0; i < size; i++)
      for (let k = 0; k < q; k++) surfaces[p * q + k]! += terms[i]! * coefficients[i * q + k]!;
  }
  return surfaces;
}
