import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { rmsNorm } from '../../../model/layers/rmsNorm.js';
import { byBothKernels } from '../byBothKernels.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

byBothKernels(() => {
  describe('rmsNorm', () => {
    test('divides each row by its root mean square, without centring it', () => {
      // Mean squares 12.5 and, of numbers so small that the 1e-5 beside them counts, 1e-5.
      const x = tf.tensor3d([3, 4, 1e-3, Math.sqrt(19e-6)], [1, 2, 2]);
      const want = [
        (3 / Math.sqrt(12.50001)) * 2,
        (4 / Math.sqrt(12.50001)) * -1,
        (1e-3 / Math.sqrt(2e-5)) * 2,
        Math.sqrt(19e-6 / 2e-5) * -1,
      ];
      expect(largestDifference(numbersOf(rmsNorm(x, tf.tensor1d([2, -1]))), want)).toBeLessThan(1e-6);
    });

    test('has the gradients of finite differences', () => {
      const inputs = [tf.tensor(seededValues(24, 1), [2, 3, 4]), tf.tensor(seededValues(4, 2), [4])];
      const errors = gradientErrors(rmsNorm as never, inputs, tf.tensor(seededValues(24, 3), [2, 3, 4]));
      for (const error of errors) expect(error).toBeLessThan(2e-3);
    });
  });
});
