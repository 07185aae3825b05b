import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { averagePool } from '../../../model/trunk/averagePool.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

test('averagePool gives the mean of each channel over the positions of each frame', () => {
  const grid = { batch: 2, frames: 3, height: 2, width: 4, segments: 1 };
  const channels = 5;
  const rows = 2 * 3 * 2 * 4;
  const values = seededValues(rows * channels, 1);
  const want = new Array<number>(2 * 3 * channels).fill(0);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < channels; c++) want[Math.floor(row / 8) * channels + c] += values[row * channels + c] / 8;
  const pooled = averagePool({ features: tf.tensor2d(values, [rows, channels]), grid });
  expect(pooled.shape).toEqual([2, 3, channels]);
  expect(largestDifference(numbersOf(pooled), want)).toBeLessThan(1e-6);
});
