import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { GradientAccumulator } from '../../../model/optimiser/gradientAccumulator.js';
import { parameterGroups } from '../../../model/optimiser/parameterGroups.js';

beforeAll(async () => {
  await startEngine();
});

it('sums the gradients of each group in order of name; what has none adds nothing', () => {
  const [kernel, bias] = [tf.variable(tf.zeros([2])), tf.variable(tf.zeros([1]))];
  const groups = parameterGroups(
    new Map([
      ['head.kernel', kernel],
      ['head.bias', bias],
    ]),
  );
  const gradients = new GradientAccumulator(groups);
  gradients.add({ [kernel.name]: tf.tensor1d([1, -2]), [bias.name]: tf.tensor1d([3]) });
  gradients.add({ [kernel.name]: tf.tensor1d([10, 20]) });
  const sums = Object.fromEntries(groups.map(({ names }, i) => [names.join(), [...gradients.sums[i]!.dataSync()]]));
  expect(sums).toEqual({ 'head.kernel': [11, 18], 'head.bias': [3] });
  expect(gradients.squaredNorm().dataSync()[0]).toBe(11 ** 2 + 18 ** 2 + 3 ** 2);
  gradients.clear();
  expect(gradients.squaredNorm().dataSync()[0]).toBe(0);
  gradients.dispose();
});
