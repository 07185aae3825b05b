import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { outsideTape } from '../../../model/layers/outsideTape.js';

beforeAll(async () => {
  await startEngine();
});

it('gives what the part computes, while what comes after it learns', () => {
  const input = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const after = tf.variable(tf.scalar(3));
  const { value, grads } = tf.variableGrads(() => {
    const frozen = outsideTape(input, () => tf.square(tf.add(input, 1)) as tf.Tensor2D);
    return tf.sum(tf.mul(frozen, after)) as tf.Scalar;
  }, [after]);
  // 2² + 3² + 4² + 5² = 54, three times of which is the value.
  expect(value.dataSync()[0]).toBe(162);
  expect(grads[after.name]!.dataSync()[0]).toBe(54);
});
