import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { analysisMatrix, type Boundary, HIGH_PASS, LOW_PASS } from '../../../model/wavelet/symlet2.js';
import { largestDifference } from '../differences.js';
import { seededValues } from '../seededUniform.js';

const reference = JSON.parse(readFileSync(new URL('../../fixtures/model/wavelet_db2.json', import.meta.url), 'utf8'));

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const apply = (matrix: Float32Array, x: ArrayLike<number>) =>
  Array.from({ length: x.length }, (_, row) => sum(Array.from(x, (v, column) => matrix[row * x.length + column] * v)));
const applyTransposed = (matrix: Float32Array, y: ArrayLike<number>) =>
  Array.from({ length: y.length }, (_, column) => sum(Array.from(y, (v, row) => matrix[row * y.length + column] * v)));

describe('the symlet with two vanishing moments', () => {
  test('equals PyWavelets db2', () => {
    expect(largestDifference(LOW_PASS, reference.rec_lo)).toBeLessThan(1e-15);
    expect(largestDifference(HIGH_PASS, reference.rec_hi)).toBeLessThan(1e-15);
  });

  test('has unit norm, sum √2 and two vanishing moments', () => {
    expect(sum(LOW_PASS)).toBeCloseTo(Math.SQRT2, 14);
    expect(sum(LOW_PASS.map((h) => h * h))).toBeCloseTo(1, 14);
    expect(sum(HIGH_PASS)).toBeCloseTo(0, 14);
    expect(sum(HIGH_PASS.map((g, i) => i * g))).toBeCloseTo(0, 14);
  });
});

describe('analysisMatrix', () => {
  test('periodic, equals PyWavelets', () => {
    const got = apply(analysisMatrix(16, 'periodization'), reference.signal);
    expect(largestDifference(got, [...reference.low, ...reference.high])).toBeLessThan(1e-6);
  });

  test('periodic, is orthogonal: its transpose reconstructs', () => {
    const x = seededValues(32, 1);
    const matrix = analysisMatrix(32, 'periodization', 4);
    expect(largestDifference(applyTransposed(matrix, apply(matrix, x)), x)).toBeLessThan(1e-6);
  });

  test.each<Boundary>(['reflect', 'periodization'])('%s: constant and linear signals', (boundary) => {
    const matrix = analysisMatrix(8, boundary);
    const flat = apply(matrix, Array(8).fill(1));
    expect(largestDifference(flat, [...Array(4).fill(Math.SQRT2), ...Array(4).fill(0)])).toBeLessThan(1e-6);
    // Away from the ends the second vanishing moment removes slopes as well.
    const slope = apply(matrix, [0, 1, 2, 3, 4, 5, 6, 7]).slice(5, 7);
    expect(largestDifference(slope, [0, 0])).toBeLessThan(1e-6);
  });

  test('reflect: mirrors without repeating the end', () => {
    // First window: x[1], x[0], x[1], x[2]; last: x[n−3], x[n−2], x[n−1], x[n−2].
    const x = [1, 10, 100, 1000];
    const [h0, h1, h2, h3] = LOW_PASS;
    const [low0, low1] = apply(analysisMatrix(4, 'reflect'), x);
    expect(low0).toBeCloseTo(h0 * 10 + h1 * 1 + h2 * 10 + h3 * 100, 4);
    expect(low1).toBeCloseTo(h0 * 10 + h1 * 100 + h2 * 1000 + h3 * 100, 3);
  });

  test.each([4, 8, 16, 56])('reflect: is invertible at length %i', (length) => {
    const matrix = analysisMatrix(length, 'reflect');
    const x = seededValues(length, length);
    const solved = solve(matrix, apply(matrix, x));
    expect(largestDifference(solved, x)).toBeLessThan(1e-4);
  });

  test('segments do not mix and keep their order', () => {
    const matrix = analysisMatrix(16, 'reflect', 2);
    const alone = analysisMatrix(8, 'reflect');
    const x = seededValues(16, 2);
    const [first, second] = [apply(alone, x.subarray(0, 8)), apply(alone, x.subarray(8))];
    const want = [...first.slice(0, 4), ...second.slice(0, 4), ...first.slice(4), ...second.slice(4)];
    expect(apply(matrix, x)).toEqual(want);
  });

  test('refuses segments of odd length', () => {
    expect(() => analysisMatrix(6, 'reflect', 2)).toThrow('Expected an even number of samples per segment');
  });
});

/** Gaussian elimination with row pivoting. */
function solve(matrix: Float32Array, right: number[]): number[] {
  const n = right.length;
  const rows = right.map((value, i) => [...matrix.subarray(i * n, (i + 1) * n), value]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      rows[i] = rows[i].map((value, j) => value - factor * rows[k][j]);
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}
