import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { normaliseOverBatch } from '../../../model/layers/batchNorm.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, emptyShapes, valueAndGradients } from './checkOwnOperation.js';

await startEngine();

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const mean = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

/** Mean and biased variance of each of `width` channels. */
const momentsOf = (x: ArrayLike<number>, width: number) =>
  Array.from({ length: width }, (_, c) => {
    const channel = Array.from(x).filter((_, i) => i % width === c);
    const centre = mean(channel);
    return { centre, variance: mean(channel.map((v) => (v - centre) ** 2)) };
  });

const loopOf = (clipped: boolean) => (x: Float64Array, gamma: Float64Array, beta: Float64Array) => {
  const moments = momentsOf(x, gamma.length);
  return x.map((v, i) => {
    const c = i % gamma.length;
    const y = ((v - moments[c]!.centre) / Math.sqrt(moments[c]!.variance + 1e-3)) * gamma[c]! + beta[c]!;
    return clipped ? Math.min(Math.max(y, 0), 6) : y;
  });
};
const layerOf = (clipped: boolean) => (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
  normaliseOverBatch(x as tf.Tensor2D, { gamma, beta }, clipped, () => {});
const nothingElse = { epsilon: { kind: 'float', value: 1e-3 } } as const;
const clip = (value: boolean) => ({ clipped: { kind: 'bool', value } }) as const;

describe.runIf(ownOperationsInUse())('batch normalisation over the batch', () => {
  const shapes = [
    [1, 1],
    [1, 17],
    [5, 3],
    [24, 17],
    [70, 2],
    [35, 7],
    [1100, 1],
  ].map((shape) => [shape]);
  const operands = (shape: number[], shift: number) => [
    random(shape, 1).mul(3).add(0.5),
    random([shape[1]!], 2).add(1.5),
    random([shape[1]!], 3).mul(0.1).add(shift),
  ];

  test.each(shapes)('equals its composition and a loop for %j', (shape) => {
    checkOwnOperation(layerOf(false) as never, loopOf(false), operands(shape, 0.5), 1e-5);
  });

  // Half of what is normalised lies below 0; of so few numbers none lies so near that a difference steps over it.
  test.each(shapes)('with ReLU6 equals its composition and a loop for %j', (shape) => {
    checkOwnOperation(layerOf(true) as never, loopOf(true), operands(shape, 0.4), 1e-5);
  });

  test('tells the moments, also of numbers far from 0 beside how they differ', () => {
    for (const far of [0, 1000]) {
      const x = random([4097, 3], 4).add(far) as tf.Tensor2D;
      const want = momentsOf(x.dataSync(), 3);
      let seen = 0;
      normaliseOverBatch(x, { gamma: tf.ones([3]), beta: tf.zeros([3]) }, false, (centre, variance) => {
        seen++;
        want.forEach((moments, c) => {
          expect(Math.abs(centre.dataSync()[c]! - moments.centre)).toBeLessThan(1e-6 * Math.max(far, 1));
          expect(Math.abs(variance.dataSync()[c]! / moments.variance - 1)).toBeLessThan(1e-5);
        });
      });
      expect(seen).toBe(1);
    }
  });

  test('holds NaN to its channel, as the composition does', () => {
    const x = tf.tensor2d([1, Number.NaN, 3, 4, 5, 7, 2, 9, 4], [3, 3]);
    for (const clipped of [false, true]) {
      const [own, composed] = [true, false].map((on) =>
        valueAndGradients(layerOf(clipped) as never, [x, tf.ones([3]), tf.zeros([3])], tf.ones([3, 3]), on).map(
          (numbers) => [...numbers].map((value) => Number.isNaN(value)),
        ),
      );
      expect(own).toEqual(composed);
      expect(own![0]).toEqual([false, true, false, false, true, false, false, true, false]);
    }
  });

  test('takes no rows, and refuses operands that do not fit', () => {
    const forward = (...shapes: number[][]) =>
      ownOperation(
        'StfBatchNorm',
        { ...nothingElse, ...clip(true) },
        shapes.map((shape) => tf.zeros(shape)),
        4,
      );
    const gradient = (...shapes: number[][]) =>
      ownOperation(
        'StfBatchNormGradient',
        clip(true),
        shapes.map((shape) => tf.zeros(shape)),
        2,
      );
    for (const shape of emptyShapes) {
      const ofChannels = [shape.at(-1)!];
      const results = forward(shape, ofChannels, ofChannels);
      expect(results.map((result) => result.shape)).toEqual([shape, ofChannels, ofChannels, ofChannels]);
      expect(results.every((result) => result.dataSync().every(Number.isFinite))).toBe(true);
      const [dx, dParameters] = gradient(shape, shape, ofChannels, ofChannels, ofChannels, ofChannels);
      expect([dx!.shape, [...dParameters!.dataSync()]]).toEqual([shape, Array(2 * shape.at(-1)!).fill(0)]);
    }
    expect(() => forward([2, 3], [4], [3])).toThrow('Expected 3 elements for gamma and beta but received 4 and 3');
    expect(() => forward([], [1], [1])).toThrow('Expected');
    expect(() => gradient([2, 4], [2, 3], [3], [3], [3], [3])).toThrow('Expected operands of a batch norm over [2,3]');
    for (let wrong = 2; wrong < 6; wrong++) {
      const shapes = [[2, 3], [2, 3], [3], [3], [3], [3]].map((shape, i) => (i === wrong ? [2] : shape));
      expect(() => gradient(...shapes)).toThrow('Expected operands of a batch norm over [2,3]');
    }
  });
});
