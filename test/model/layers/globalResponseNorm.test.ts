import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { globalResponseNorm } from '../../../model/layers/globalResponseNorm.js';
import { byBothKernels } from '../byBothKernels.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

byBothKernels(() => {
  const images = 2;
  const [positions, channels] = [6, 4];
  const rows = () => tf.tensor2d(seededValues(images * positions * channels, 1), [images * positions, channels]);
  const scale = (values: number[]) => tf.tensor1d(values);

  test('is the identity while scale and shift are zero', () => {
    const x = rows();
    const same = globalResponseNorm(x, images, { gamma: tf.zeros([channels]), beta: tf.zeros([channels]) });
    expect(numbersOf(same)).toEqual(numbersOf(x));
  });

  test('channels of equal norm give (1+γ)·x + β', () => {
    // Of one magnitude: each channel has the same norm in each image.
    const signs = Array.from({ length: images * 4 * channels }, (_, i) => ((i >> 2) & i & 3 & 1 ? -3 : 3));
    const x = tf.tensor2d(signs, [images * 4, channels]);
    const gamma = [0.5, -2, 0, 3];
    const beta = [1, 0, -1, 2];
    const got = numbersOf(globalResponseNorm(x, images, { gamma: scale(gamma), beta: scale(beta) }));
    const want = signs.map((v, i) => (1 + gamma[i % channels]!) * v + beta[i % channels]!);
    expect(largestDifference(got, want)).toBeLessThan(1e-5);
  });

  test('equals a loop over images and channels', () => {
    const [x, gamma, beta] = [seededValues(images * positions * channels, 1), seededValues(4, 2), seededValues(4, 3)];
    const want = new Float64Array(x.length);
    for (let n = 0; n < images; n++) {
      const norms = Array.from({ length: channels }, (_, c) => {
        let sum = 0;
        for (let p = 0; p < positions; p++) sum += x[(n * positions + p) * channels + c]! ** 2;
        return Math.sqrt(sum);
      });
      const mean = norms.reduce((a, b) => a + b) / channels;
      for (let p = 0; p < positions; p++)
        for (let c = 0; c < channels; c++) {
          const i = (n * positions + p) * channels + c;
          want[i] = gamma[c]! * x[i]! * (norms[c]! / mean) + beta[c]! + x[i]!;
        }
    }
    const got = globalResponseNorm(rows(), images, { gamma: tf.tensor1d(gamma), beta: tf.tensor1d(beta) });
    expect(largestDifference(numbersOf(got), want)).toBeLessThan(1e-6);
  });

  test('its gradients are those of finite differences', () => {
    const weight = tf.tensor2d(seededValues(images * positions * channels, 9), [images * positions, channels]);
    const errors = gradientErrors(
      (x, gamma, beta) => globalResponseNorm(x as tf.Tensor2D, images, { gamma, beta }),
      [rows(), tf.tensor1d(seededValues(4, 2)), tf.tensor1d(seededValues(4, 3))],
      weight,
    );
    for (const error of errors) expect(error).toBeLessThan(2e-3);
  });

  test('a channel of zeros has a finite gradient', () => {
    const x = tf.mul(rows(), tf.tensor1d([1, 0, 1, 1])) as tf.Tensor2D;
    const gradient = tf.grad((input) =>
      tf.sum(globalResponseNorm(input as tf.Tensor2D, images, { gamma: tf.ones([4]), beta: tf.zeros([4]) })),
    )(x);
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });
});
