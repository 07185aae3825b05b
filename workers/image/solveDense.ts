/**
 * Solves A X = B for a small full matrix by Gaussian elimination with partial pivoting; both are overwritten.
 *
 * @param matrix A `[n, n]`
 * @param right B `[n, m]`; holds X afterwards
 * @returns false if A is singular to working precision; `right` is then of no use
 */
export function solveDense(matrix: Float64Array, right: Float64Array, n: number): boolean {
  const m = right.length / n;
  const largest = matrix.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++)
      if (Math.abs(matrix[row * n + column]!) > Math.abs(matrix[pivot * n + column]!)) pivot = row;
    if (!(Math.abs(matrix[pivot * n + column]!) > n * Number.EPSILON * largest)) return false;
    swapRows(matrix, n, pivot, column);
    swapRows(right, m, pivot, column);
    for (let row = column + 1; row < n; row++) {
      const factor = matrix[row * n + column]! / matrix[column * n + column]!;
      if (factor === 0) continue;
      for (let k = column; k < n; k++) matrix[row * n + k]! -= factor * matrix[column * n + k]!;
      for (let k = 0; k < m; k++) right[row * m + k]! -= factor * right[column * m + k]!;
    }
  }
  for (let row = n - 1; row >= 0; row--)
    for (let k = 0; k < m; k++) {
      let sum = right[row * m + k]!;
      for (let j = row + 1; j < n; j++) sum -= matrix[row * n + j]! * right[j * m + k]!;
      right[row * m + k] = sum / matrix[row * n + row]!;
    }
  return true;
}

function swapRows(values: Float64Array, width: number, a: number, b: number): void {
  if (a === b) return;
  const row = values.slice(a * width, (a + 1) * width);
  values.copyWithin(a * width, b * width, (b + 1) * width);
  values.set(row, b * width);
}
