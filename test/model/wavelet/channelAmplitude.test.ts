import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { channelAmplitude } from '../../../model/wavelet/channelAmplitude.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

describe('channelAmplitude', () => {
  test('is the root mean square of each channel in each group', () => {
    const x = tf.tensor4d([3, 1, 4, -1, 0, 2, 0, 2, 5, 0, -5, 0, 1, 1, 7, 3], [2, 2, 2, 2]);
    const want = [
      [(9 + 16) / 4, (1 + 1 + 4 + 4) / 4],
      [(25 + 25 + 1 + 49) / 4, (1 + 9) / 4],
    ];
    expect(largestDifference(numbersOf(channelAmplitude(x, 2)), want.flat().map(Math.sqrt))).toBeLessThan(1e-6);
    const all = [0, 1].map((c) => Math.sqrt((want[0][c] + want[1][c]) / 2));
    expect(largestDifference(numbersOf(channelAmplitude(x, 1)), all)).toBeLessThan(1e-6);
  });

  test('does not know signs: flicker that cancels in a mean remains', () => {
    const x = tf.tensor([2, -2, 2, -2], [1, 4, 1]);
    expect(numbersOf(channelAmplitude(x, 1))).toEqual([2]);
  });

  test('has the gradient of finite differences, and a finite one at zero', () => {
    const x = tf.tensor(seededValues(24, 1), [3, 4, 2]);
    const error = gradientErrors((x) => channelAmplitude(x, 3), [x], tf.tensor(seededValues(6, 2), [3, 2]));
    expect(error[0]).toBeLessThan(2e-3);
    const slope = tf.grad((x) => tf.sum(channelAmplitude(x, 1)))(tf.zeros([1, 4, 2]));
    expect(numbersOf(slope)).toEqual(Array(8).fill(0));
  });
});
