import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { convolveTime } from '../../../model/layers/timeConvolution.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const [batch, steps, channels] = [2, 5, 3];
const x = () => tf.tensor3d(seededValues(batch * steps * channels, 1), [batch, steps, channels]);

describe('convolveTime', () => {
  test.each([
    ['causal', 4, 3],
    ['symmetric', 7, 3],
  ])('%s, width %i: equals the sum over taps, zeros beyond the ends', (_, width, before) => {
    const [kernel, bias] = [seededValues(width * channels, 2), seededValues(channels, 3)];
    const values = x().dataSync();
    const want: number[] = [];
    for (let b = 0; b < batch; b++)
      for (let t = 0; t < steps; t++)
        for (let c = 0; c < channels; c++) {
          let sum = bias[c];
          for (let k = 0; k < width; k++) {
            const from = t + k - before;
            if (from >= 0 && from < steps) {
              sum += values[(b * steps + from) * channels + c] * kernel[k * channels + c];
            }
          }
          want.push(sum);
        }
    const parameters = { kernel: tf.tensor4d(kernel, [width, 1, channels, 1]), bias: tf.tensor1d(bias) };
    expect(largestDifference(numbersOf(convolveTime(x(), parameters, before)), want)).toBeLessThan(1e-6);
  });

  test('has the gradients of finite differences', () => {
    const f = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) => convolveTime(x as tf.Tensor3D, { kernel, bias }, 3);
    const inputs = [
      x(),
      tf.tensor(seededValues(21, 2), [7, 1, channels, 1]),
      tf.tensor(seededValues(3, 3), [channels]),
    ];
    const weight = tf.tensor(seededValues(batch * steps * channels, 4), [batch, steps, channels]);
    for (const error of gradientErrors(f as never, inputs, weight)) expect(error).toBeLessThan(2e-3);
  });
});
