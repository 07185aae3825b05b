import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { gelu } from '../../../model/layers/gelu.js';
import { layerNorm, standardise } from '../../../model/layers/layerNorm.js';
import { linear } from '../../../model/layers/linear.js';
import { addResidual } from '../../../model/layers/residual.js';
import { byBothKernels } from '../byBothKernels.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

byBothKernels(() => {
  const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);

  describe('layerNorm', () => {
    test('equals its definition row by row', () => {
      const [rows, channels] = [6, 5];
      const x = seededValues(rows * channels, 1).map((v) => 3 * v + 2);
      const gamma = seededValues(channels, 2);
      const beta = seededValues(channels, 3);
      const want: number[] = [];
      for (let r = 0; r < rows; r++) {
        const row = [...x.subarray(r * channels, (r + 1) * channels)];
        const mean = row.reduce((a, b) => a + b) / channels;
        const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
        want.push(...row.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-6)) * gamma[c] + beta[c]));
      }
      const parameters = { gamma: tf.variable(tf.tensor1d(gamma)), beta: tf.variable(tf.tensor1d(beta)) };
      expect(largestDifference(numbersOf(layerNorm(tf.tensor(x, [2, 3, channels]), parameters)), want)).toBeLessThan(
        2e-6,
      );
    });

    test('has the gradients of finite differences', () => {
      const f = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
        layerNorm(x, { gamma: gamma as tf.Variable, beta: beta as tf.Variable });
      const errors = gradientErrors(
        f as never,
        [random([2, 3, 6], 1), random([6], 2), random([6], 3)],
        random([2, 3, 6], 4),
      );
      for (const error of errors) expect(error).toBeLessThan(2e-3);
      expect(gradientErrors(standardise, [random([4, 6], 5)], random([4, 6], 6))[0]).toBeLessThan(2e-3);
    });

    test('ignores scale and offset of its input when it has no parameters', () => {
      const x = random([7, 16], 1);
      const moved = standardise(tf.add(tf.mul(x, 50), 3));
      expect(largestDifference(numbersOf(moved), numbersOf(standardise(x)))).toBeLessThan(1e-4);
    });
  });

  describe('gelu', () => {
    test('matches tabulated values of x·Φ(x)', () => {
      // Φ(1) = 0.8413447460685429, Φ(2) = 0.9772498680518208, Φ(3) = 0.9986501019683699
      const want = [
        0, 0.8413447460685429, -0.15865525393145707, 1.9544997361036416, -0.0455002638963584, -0.0040496940948903,
      ];
      expect(largestDifference(numbersOf(gelu(tf.tensor1d([0, 1, -1, 2, -2, -3]))), want)).toBeLessThan(5e-7);
    });

    test('has the gradient of finite differences', () => {
      const x = tf.mul(random([40], 1), 4);
      expect(gradientErrors(gelu, [x], random([40], 2))[0]).toBeLessThan(1e-3);
    });
  });

  describe('linear', () => {
    test('multiplies the last axis and adds the bias', () => {
      const kernel = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const y = linear(tf.tensor3d([1, 10, 2, 20], [2, 1, 2]), { kernel, bias: tf.tensor1d([0.5, 0, -0.5]) });
      expect(y.shape).toEqual([2, 1, 3]);
      expect(numbersOf(y)).toEqual([41.5, 52, 62.5, 82.5, 104, 125.5]);
    });

    test('has the gradients of finite differences, with and without bias', () => {
      const inputs = [random([2, 3, 4], 1), random([4, 5], 2), random([5], 3)];
      const weight = random([2, 3, 5], 4);
      const withBias = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) => linear(x, { kernel, bias });
      const withoutBias = (x: tf.Tensor, kernel: tf.Tensor) => linear(x, { kernel });
      for (const error of gradientErrors(withBias as never, inputs, weight)) expect(error).toBeLessThan(1e-3);
      for (const error of gradientErrors(withoutBias as never, inputs.slice(0, 2), weight))
        expect(error).toBeLessThan(1e-3);
    });
  });

  describe('addResidual', () => {
    test('scales the branch of each sample by its mask', () => {
      const x = tf.ones([4, 3]);
      const branch = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [4, 3]);
      const y = addResidual(x, branch, tf.tensor1d([0, 2]));
      expect(numbersOf(y)).toEqual([1, 1, 1, 1, 1, 1, 15, 17, 19, 21, 23, 25]);
      expect(numbersOf(addResidual(x, branch, undefined))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    });
  });

  test('units of the tape leave no tensors behind', () => {
    const x = random([8, 16], 1);
    const parameters = { gamma: tf.variable(tf.ones([16])), beta: tf.variable(tf.zeros([16])) };
    const kernel = tf.variable(random([16, 16], 2));
    const step = () =>
      tf.tidy(() => {
        const { value } = tf.variableGrads(
          () => tf.sum(gelu(linear(layerNorm(x, parameters), { kernel }))) as tf.Scalar,
        );
        value.dataSync();
      });
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) step();
    expect(tf.memory().numTensors).toBe(before);
  });
});
