import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { globalResponseNorm } from '../../../model/layers/globalResponseNorm.js';
import { layerNorm, standardise } from '../../../model/layers/layerNorm.js';
import { rmsNorm } from '../../../model/layers/rmsNorm.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, emptyShapes, oddShapes, valueAndGradients } from './checkOwnOperation.js';

await startEngine();
const whereOwn = describe.runIf(ownOperationsInUse());

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const float = (value: number) => ({ kind: 'float', value }) as const;
const zeros = (shape: number[]) => tf.zeros(shape);
const isNaNAt = (numbers: Float32Array) => [...numbers].map((value) => Number.isNaN(value));

/** Applies `f` to each row of `width` numbers. */
const byRow = (x: Float64Array, width: number, f: (row: Float64Array) => ArrayLike<number>) =>
  Float64Array.from({ length: x.length / width }, (_, i) => i).reduce((out, i) => {
    out.set(f(x.subarray(i * width, (i + 1) * width)), i * width);
    return out;
  }, new Float64Array(x.length));
const average = (row: Float64Array) => row.reduce((a, b) => a + b, 0) / row.length;
const standardised = (row: Float64Array) => {
  const mean = average(row);
  const deviation = Math.sqrt(average(row.map((v) => (v - mean) ** 2)) + 1e-6);
  return row.map((v) => (v - mean) / deviation);
};

/** Numbers of unequal size in every row: a row of one number has variance zero. */
const rowsOf = (shape: number[]) => random(shape, 1).mul(3).add(0.5);

whereOwn('layer normalisation', () => {
  const layer = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => layerNorm(x, { gamma, beta } as never);
  const operands = (shape: number[]) => [rowsOf(shape), random([shape.at(-1)!], 2), random([shape.at(-1)!], 3)];

  test.each([...oddShapes, [35, 7]].map((shape) => [shape]))('equals its composition and a loop for %j', (shape) => {
    const loop = (x: Float64Array, gamma: Float64Array, beta: Float64Array) =>
      byRow(x, gamma.length, (row) => standardised(row).map((v, c) => v * gamma[c]! + beta[c]!));
    checkOwnOperation(layer as never, loop, operands(shape), 1e-5);
  });

  test.each([...oddShapes, [35, 7]].map((shape) => [shape]))('without scale and shift for %j', (shape) => {
    checkOwnOperation(standardise, (x) => byRow(x, shape.at(-1)!, standardised), [rowsOf(shape)], 1e-5);
  });

  test('holds NaN to its row, and to every scale and shift', () => {
    const x = tf.tensor2d([1, Number.NaN, 3, 4, 5, 7], [2, 3]);
    const run = () => valueAndGradients(layer as never, [x, tf.ones([3]), zeros([3])], tf.ones([2, 3]), true);
    const [y, dx, dGamma, dBeta] = run().map(isNaNAt);
    expect(y).toEqual([true, true, true, false, false, false]);
    expect(dx).toEqual(y);
    expect(dGamma).toEqual([true, true, true]);
    expect(dBeta).toEqual([false, false, false]);
  });

  test('takes no rows, and refuses operands that do not fit', () => {
    for (const shape of emptyShapes) {
      const [x, gamma, beta] = [zeros(shape), zeros([shape.at(-1)!]), zeros([shape.at(-1)!])];
      const [y, mean, inverse] = ownOperation('StfLayerNorm', { epsilon: float(1e-6) }, [x, gamma, beta], 3);
      expect([y!.shape, mean!.shape]).toEqual([shape, shape.slice(0, -1)]);
      const [dx, dParameters] = ownOperation('StfLayerNormGradient', {}, [x, x, gamma, mean!, inverse!], 2);
      expect([dx!.shape, [...dParameters!.dataSync()]]).toEqual([shape, Array(2 * shape.at(-1)!).fill(0)]);
    }
    const forward = (...shapes: number[][]) =>
      ownOperation('StfLayerNorm', { epsilon: float(1e-6) }, shapes.map(zeros), 3);
    const gradient = (...shapes: number[][]) => ownOperation('StfLayerNormGradient', {}, shapes.map(zeros), 2);
    expect(() => forward([2, 3], [4], [3])).toThrow('Expected 3 elements for gamma and beta but received 4 and 3');
    expect(() => forward([], [1], [1])).toThrow('Expected');
    expect(() => gradient([2, 4], [2, 3], [3], [2], [2])).toThrow('Expected operands of a layer norm over [2,3]');
    expect(() => gradient([3, 2], [2, 3], [3], [2], [2])).toThrow('Expected operands of a layer norm over [2,3]');
    expect(() => gradient([2, 3], [2, 3], [3], [1], [2])).toThrow('Expected operands of a layer norm over [2,3]');
    expect(() => gradient([], [], [1], [1], [1])).toThrow('Expected operands of a layer norm');
  });
});

whereOwn('root mean square normalisation', () => {
  test.each([...oddShapes, [35, 7]].map((shape) => [shape]))('equals its composition and a loop for %j', (shape) => {
    const loop = (x: Float64Array, gamma: Float64Array) =>
      byRow(x, gamma.length, (row) => {
        const root = Math.sqrt(average(row.map((v) => v * v)) + 1e-5);
        return row.map((v, c) => (v / root) * gamma[c]!);
      });
    checkOwnOperation(rmsNorm as never, loop, [rowsOf(shape), random([shape.at(-1)!], 2)], 1e-5);
  });

  test('holds NaN to its row, and to the scale', () => {
    const x = tf.tensor2d([1, Number.NaN, 3, 4, 5, 7], [2, 3]);
    const [y, dx, dGamma] = valueAndGradients(rmsNorm as never, [x, tf.ones([3])], tf.ones([2, 3]), true).map(isNaNAt);
    expect(y).toEqual([true, true, true, false, false, false]);
    expect(dx).toEqual(y);
    expect(dGamma).toEqual([true, true, true]);
  });

  test('takes no rows, and refuses operands that do not fit', () => {
    for (const shape of emptyShapes) {
      const [x, gamma] = [zeros(shape), zeros([shape.at(-1)!])];
      const [y, inverse] = ownOperation('StfRmsNorm', { epsilon: float(1e-5) }, [x, gamma], 2);
      expect([y!.shape, inverse!.shape]).toEqual([shape, shape.slice(0, -1)]);
      const [dx, dGamma] = ownOperation('StfRmsNormGradient', {}, [x, x, gamma, inverse!], 2);
      expect([dx!.shape, [...dGamma!.dataSync()]]).toEqual([shape, Array(shape.at(-1)!).fill(0)]);
    }
    const forward = (...shapes: number[][]) =>
      ownOperation('StfRmsNorm', { epsilon: float(1e-5) }, shapes.map(zeros), 2);
    const gradient = (...shapes: number[][]) => ownOperation('StfRmsNormGradient', {}, shapes.map(zeros), 2);
    expect(() => forward([2, 3], [4])).toThrow('Expected 3 elements for gamma but received 4');
    expect(() => forward([], [1])).toThrow('Expected');
    expect(() => gradient([2, 4], [2, 3], [3], [2])).toThrow('Expected operands of an RMS norm over [2,3]');
    expect(() => gradient([2, 3], [2, 3], [3], [3])).toThrow('Expected operands of an RMS norm over [2,3]');
  });
});

whereOwn('global response normalisation', () => {
  const cases = [
    [1, 1, 1],
    [1, 1, 3],
    [2, 5, 17],
    [3, 70, 2],
    [5, 1, 1],
  ] as const;
  test.each(cases)('equals its composition and a loop for %i images of %i positions, %i channels', (...sizes) => {
    const [images, positions, channels] = sizes;
    const layer = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      globalResponseNorm(x as tf.Tensor2D, images, { gamma, beta });
    const loop = (x: Float64Array, gamma: Float64Array, beta: Float64Array) =>
      byRow(x, positions * channels, (image) => {
        const norms = gamma.map((_, c) =>
          Math.sqrt(image.reduce((sum, v, i) => (i % channels === c ? sum + v * v : sum), 1e-12)),
        );
        const mean = average(norms) + 1e-6;
        return image.map(
          (v, i) => v * (1 + (gamma[i % channels]! * norms[i % channels]!) / mean) + beta[i % channels]!,
        );
      });
    const operands = [rowsOf([images * positions, channels]), random([channels], 2), random([channels], 3)];
    checkOwnOperation(layer as never, loop, operands, 1e-5);
  });

  test('holds NaN to its image, as the composition does', () => {
    const layer = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      globalResponseNorm(x as tf.Tensor2D, 2, { gamma, beta });
    const inputs = [tf.tensor2d([1, Number.NaN, 3, 4, 5, 7, 8, 9], [4, 2]), tf.ones([2]), zeros([2])];
    const [own, composed] = [true, false].map((on) =>
      valueAndGradients(layer as never, inputs, tf.ones([4, 2]), on).map(isNaNAt),
    );
    expect(own).toEqual(composed);
    expect(own![0]).toEqual([true, true, true, true, false, false, false, false]);
  });

  test('takes images without positions, no images, and refuses operands that do not fit', () => {
    const attributes = (images: number) => ({
      images: { kind: 'int', value: images } as const,
      root_epsilon: float(1e-12),
      epsilon: float(1e-6),
    });
    const forward = (images: number, ...shapes: number[][]) =>
      ownOperation('StfGlobalResponseNorm', attributes(images), shapes.map(zeros), 2);
    const gradient = (images: number, ...shapes: number[][]) =>
      ownOperation('StfGlobalResponseNormGradient', attributes(images), shapes.map(zeros), 2);
    for (const images of [0, 2]) {
      expect(forward(images, [0, 3], [3], [3]).map(({ shape }) => shape)).toEqual([
        [0, 3],
        [images, 3],
      ]);
      expect(gradient(images, [0, 3], [0, 3], [3], [images, 3]).map(({ shape }) => shape)).toEqual([
        [0, 3],
        [2, 3],
      ]);
    }
    expect(() => forward(2, [5, 3], [3], [3])).toThrow('Expected rows of 2 images but received [5,3]');
    expect(() => forward(0, [5, 3], [3], [3])).toThrow('Expected rows of 0 images');
    expect(() => forward(-1, [5, 3], [3], [3])).toThrow('Expected a count of images but received -1');
    expect(() => forward(1, [5, 3], [3], [2])).toThrow('Expected 3 elements for gamma and beta but received 3 and 2');
    expect(() => gradient(1, [5, 2], [5, 3], [3], [1, 3])).toThrow('Expected operands of a global response norm');
    expect(() => gradient(1, [5, 3], [5, 3], [3], [3, 3])).toThrow('Expected operands of a global response norm');
  });
});
