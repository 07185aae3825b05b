import { expect, test } from 'vitest';
import { truncatedNormal, uniformBetween } from '../../../model/layers/initializers.js';
import { seededUniform } from '../seededUniform.js';

const moments = (values: Float32Array) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
};

test('truncatedNormal stays within two deviations and has the truncated spread', () => {
  const values = truncatedNormal(0.02)([200, 500], seededUniform(3));
  expect(values.length).toBe(100_000);
  expect(Math.max(...values.subarray(0, 50_000).map(Math.abs))).toBeLessThanOrEqual(0.04);
  const { mean, deviation } = moments(values);
  // A normal cut at ±2σ has the deviation σ·√(1 − 4φ(2)/(2Φ(2)−1)) = 0.8796σ; 5 standard errors of 100 000 draws.
  expect(Math.abs(mean)).toBeLessThan(5 * 0.0176 * 100_000 ** -0.5);
  expect(deviation / 0.02).toBeCloseTo(0.8796, 2);
});

test('uniformBetween fills its range and nothing else', () => {
  const values = uniformBetween(-0.5, 0.5)([20_000], seededUniform(4));
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.5);
  expect(Math.max(...values)).toBeLessThanOrEqual(0.5);
  expect(moments(values).deviation).toBeCloseTo(12 ** -0.5, 2);
});

test('the same draws give the same values', () => {
  expect(truncatedNormal()([9], seededUniform(5))).toEqual(truncatedNormal()([9], seededUniform(5)));
  expect(truncatedNormal()([9], seededUniform(5))).not.toEqual(truncatedNormal()([9], seededUniform(6)));
});
