import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { bandAmplitude, energyPerSample, flickerRatio } from '../../../model/wavelet/bandEnergy.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

describe('energyPerSample', () => {
  test('is the sum of squares over a divisor', () => {
    const x = tf.tensor([1, 2, 3, -4, 0, 5, -6, 0], [4, 2]);
    expect(numbersOf(energyPerSample(x, 2, 5))).toEqual([(1 + 4 + 9 + 16) / 5, (25 + 36) / 5].map(Math.fround));
  });

  test('has the gradient 2x over the divisor', () => {
    const values = seededValues(12, 1);
    const slope = tf.grad((x) => energyPerSample(x, 3, 8).mul(tf.tensor1d([1, -2, 3])))(tf.tensor(values, [6, 2]));
    const want = Array.from(values, (v, i) => (2 * v * [1, -2, 3][Math.floor(i / 4)]!) / 8);
    expect(largestDifference(numbersOf(slope), want)).toBeLessThan(1e-6);
  });
});

describe('bandAmplitude', () => {
  test('is the root mean square of each sample', () => {
    const x = tf.tensor([3, 4, 0, 0, -1, 1, 1, -1], [2, 2, 2]);
    expect(largestDifference(numbersOf(bandAmplitude(x, 2)), [2.5, 1])).toBeLessThan(1e-6);
  });

  test('has the gradient of finite differences, and a finite one where a band is zero', () => {
    const x = tf.tensor(seededValues(24, 1), [3, 8]);
    const error = gradientErrors((x) => bandAmplitude(x, 3), [x], tf.tensor1d([1, -1, 2]));
    expect(error[0]).toBeLessThan(2e-3);
    const still = tf.zeros([1, 8]);
    expect(numbersOf(bandAmplitude(still, 1))[0]).toBeCloseTo(1e-6, 9);
    expect(numbersOf(tf.grad((x) => tf.sum(bandAmplitude(x, 1)))(still))).toEqual(Array(8).fill(0));
  });
});

describe('flickerRatio', () => {
  const ratio = (hll: number, all: number) => numbersOf(flickerRatio(tf.tensor1d([hll]), tf.tensor1d([all])))[0]!;

  test("is the band's share of the amplitude, whatever the scale", () => {
    // Eight bands of mean square one.
    expect(ratio(1, 8)).toBeCloseTo(1 / Math.sqrt(8), 6);
    expect(ratio(1e-3, 8e-6)).toBeCloseTo(1 / Math.sqrt(8), 4);
  });

  test('is finite for a clip without energy and small for one with next to none', () => {
    expect(ratio(0, 0)).toBe(0);
    expect(ratio(1e-8, 1e-16)).toBeCloseTo(0.5, 5);
  });
});
