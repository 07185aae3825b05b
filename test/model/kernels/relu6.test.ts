import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { StepRunner } from '../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { relu6, shiftedRelu6 } from '../../../model/layers/relu6.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, emptyShapes, oddShapes, valueAndGradients } from './checkOwnOperation.js';

await startEngine();

/** Numbers on both sides of 0 and of 6, none so near to them that a difference would step over. */
const operand = (shape: number[], seed: number) =>
  tf.tensor(
    seededValues(tf.util.sizeFromShape(shape), seed).map((v) => Math.round(60 * v) / 8 + 3.01),
    shape,
  );
const clip = (v: number) => Math.min(Math.max(v, 0), 6);

describe.runIf(ownOperationsInUse())('ReLU6', () => {
  const shapes = [...oddShapes, [35, 7], [1100, 1]].map((shape) => [shape]);

  test.each(shapes)('equals its composition and a loop for %j', (shape) => {
    checkOwnOperation(relu6 as never, (x) => x.map(clip), [operand(shape, 1)]);
  });

  test.each(shapes)('after a shift equals its composition and a loop for %j', (shape) => {
    const shift = tf.tensor1d(seededValues(shape.at(-1)!, 2).map((v) => Math.round(8 * v) / 8));
    const loop = (x: Float64Array, by: Float64Array) => x.map((v, i) => clip(v + by[i % by.length]!));
    checkOwnOperation(shiftedRelu6 as never, loop, [operand(shape, 1), shift]);
  });

  test('takes what is not finite as its composition does: NaN stays NaN, and nothing passes back where y is', () => {
    const x = tf.tensor2d([Number.NaN, Infinity, -Infinity, 0, -0, 6, 3, Number.NaN, 1, 7], [5, 2]);
    const weight = tf.tensor2d([1, 1, 1, 1, 1, 1, Infinity, Number.NaN, Number.NaN, Infinity], [5, 2]);
    const shift = tf.zeros([2]);
    const [own, composed] = [true, false].map((on) =>
      valueAndGradients(shiftedRelu6 as never, [x, shift], weight, on).map((numbers) => [...numbers]),
    );
    expect(own).toEqual(composed);
    expect(own![0]).toEqual([Number.NaN, 6, 0, 0, 0, 6, 3, Number.NaN, 1, 6]);
    expect(own![1]).toEqual([0, 0, 0, 0, 0, 0, Infinity, Number.NaN, Number.NaN, Number.NaN]);
  });

  test('lets NaN through after a product or convolution in a graph, of which the optimiser could make it a part', () => {
    const runner = new StepRunner({ variables: () => [], recorder: graphRecorder()! });
    const input = (shape: number[], values: ArrayLike<number>) =>
      ({ dtype: 'float32', shape, values: Float32Array.from(values) }) as const;
    const bad = seededValues(64 * 32, 1);
    bad[5 * 32 + 7] = Number.NaN;
    const operands = [
      input([64, 32], bad),
      input([32, 48], seededValues(32 * 48, 2)),
      input([48], seededValues(48, 3)),
      input([3, 3, 32, 16], seededValues(9 * 32 * 16, 4)),
      input([16], seededValues(16, 5)),
    ];
    try {
      const [product, convolved] = runner.run('relu6', operands, (given) => {
        // Of what is fed the optimiser knows no shape.
        const [x, kernel, shift, filter, bias] = given.map((t) => tf.reshape(tf.mul(t, 2), t.shape));
        return [
          shiftedRelu6(tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D), shift as tf.Tensor1D),
          shiftedRelu6(
            tf.conv2d(tf.reshape(x!, [1, 8, 8, 32]) as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'),
            bias as tf.Tensor1D,
          ),
        ];
      });
      const notANumber = (values: ArrayLike<number>) => Array.from(values).filter(Number.isNaN).length;
      expect(notANumber(product!)).toBe(48);
      expect(notANumber(convolved!)).toBe(6 * 16);
    } finally {
      runner.dispose();
    }
  });

  test('takes no rows, and refuses gradients of another shape', () => {
    for (const shape of emptyShapes) {
      const [dx, dShift] = ownOperation('StfRelu6Gradient', {}, [tf.zeros(shape), tf.zeros(shape)], 2);
      expect(dx!.shape).toEqual(shape);
      expect([...dShift!.dataSync()]).toEqual(Array(shape.at(-1)!).fill(0));
    }
    expect(ownOperation('StfRelu6', {}, [tf.zeros([0, 5]), tf.zeros([5])], 1)[0]!.shape).toEqual([0, 5]);
    expect(() => ownOperation('StfRelu6', {}, [tf.zeros([2, 5]), tf.zeros([4])], 1)).toThrow(
      'Expected 5 elements for shift but received 4',
    );
    expect(() => ownOperation('StfRelu6', {}, [tf.scalar(1), tf.zeros([1])], 1)).toThrow('Expected');
    const gradient = (...given: number[][]) =>
      ownOperation(
        'StfRelu6Gradient',
        {},
        given.map((shape) => tf.zeros(shape)),
        2,
      );
    expect(() => gradient([4], [5])).toThrow('Expected dy of shape [5] but received [4]');
    expect(() => gradient([], [])).toThrow('Expected');
  });
});
