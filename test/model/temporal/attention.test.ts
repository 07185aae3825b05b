import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { Attention, attentionWeights } from '../../../model/temporal/attention.js';
import { ClassifierHead } from '../../../model/temporal/classifierHead.js';
import { TransformerBlock } from '../../../model/temporal/transformerBlock.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const randomise = (scope: ParameterScope) => {
  let seed = 20;
  for (const variable of scope.parameters.values()) {
    variable.assign(tf.tensor(seededValues(variable.size, seed++), variable.shape));
  }
};

test('the rows of attention weights sum to one', () => {
  const random = (seed: number) =>
    tf.tensor4d(
      seededValues(2 * 3 * 5 * 4, seed).map((v) => 5 * v),
      [2, 3, 5, 4],
    );
  const sums = tf.sum(attentionWeights(random(1), random(2)), 3);
  expect(largestDifference(numbersOf(sums), Array(30).fill(1))).toBeLessThan(1e-6);
});

test('attention weights are the softmax of products divided by the root of the width', () => {
  const [query, key] = [1, 2].map((seed) => seededValues(3 * 4, seed).map((v) => 2 * v));
  const row = (values: Float32Array, t: number) => [...values.slice(4 * t, 4 * t + 4)];
  const want = [0, 1, 2].flatMap((t) => {
    const scores = [0, 1, 2].map((s) => row(query!, t).reduce((sum, q, i) => sum + q * row(key!, s)[i]!, 0) / 2);
    const exponentials = scores.map(Math.exp);
    return exponentials.map((value) => value / exponentials.reduce((sum, v) => sum + v));
  });
  const got = attentionWeights(tf.tensor4d(query!, [1, 1, 3, 4]), tf.tensor4d(key!, [1, 1, 3, 4]));
  expect(largestDifference(numbersOf(got), want)).toBeLessThan(1e-6);
});

test('one head over two frames equals the calculation by hand', () => {
  const scope = ParameterScope.root(seededUniform());
  const attention = new Attention(scope, 1, 1);
  const set = (name: string, values: number[]) =>
    scope.parameters.get(name)!.assign(tf.tensor(values, scope.parameters.get(name)!.shape));
  set('qkv.kernel', [2, 3, 5]); // q = 2x, k = 3x, v = 5x + 1
  set('qkv.bias', [0, 0, 1]);
  set('proj.kernel', [10]);
  set('proj.bias', [0.5]);
  const [a, b] = [0.5, -0.25];
  const read = (x: number) => {
    const [first, second] = [a, b].map((other) => Math.exp(2 * x * 3 * other));
    return (10 * (first * (5 * a + 1) + second * (5 * b + 1))) / (first + second) + 0.5;
  };
  const y = attention.forward(tf.tensor3d([a, b], [1, 2, 1]));
  expect(largestDifference(numbersOf(y), [read(a), read(b)])).toBeLessThan(1e-5);
});

test('heads read their own columns of q, k and v', () => {
  const scope = ParameterScope.root(seededUniform());
  const attention = new Attention(scope, 4, 2);
  randomise(scope);
  // With the second head's part of the output projection zero, its q, k and v must not matter.
  const projection = scope.parameters.get('proj.kernel')!;
  projection.assign(tf.mul(projection, tf.tensor2d([1, 1, 0, 0], [4, 1])));
  const x = tf.tensor3d(seededValues(12, 1), [1, 3, 4]);
  const before = numbersOf(attention.forward(x));
  const kernel = scope.parameters.get('qkv.kernel')!;
  const columns = (on: number[]) => tf.tensor2d([...on, ...on, ...on], [1, 12]);
  kernel.assign(tf.add(kernel, columns([0, 0, 3, 3])));
  expect(numbersOf(attention.forward(x))).toEqual(before);
  kernel.assign(tf.add(kernel, columns([1, 0, 0, 0])));
  expect(largestDifference(numbersOf(attention.forward(x)), before)).toBeGreaterThan(1e-3);
});

test('a transformer block does not know the order of frames', () => {
  const scope = ParameterScope.root(seededUniform());
  const block = new TransformerBlock(scope, 8, { num_heads: 2, mlp_ratio: 2 });
  randomise(scope);
  const x = tf.tensor3d(seededValues(2 * 5 * 8, 1), [2, 5, 8]);
  const order = tf.tensor1d([3, 0, 4, 1, 2], 'int32');
  const straight = tf.gather(block.forward(x, [undefined, undefined]), order, 1);
  const permuted = block.forward(tf.gather(x, order, 1), [undefined, undefined]);
  expect(largestDifference(numbersOf(permuted), numbersOf(straight))).toBeLessThan(1e-5);
});

test('refuses a width that the heads do not divide', () => {
  expect(() => new Attention(ParameterScope.root(seededUniform()), 10, 4)).toThrow(
    'divisible by 4 heads but received 10',
  );
});

test('the head averages over frames and scales by the dropout mask', () => {
  const scope = ParameterScope.root(seededUniform());
  const head = new ClassifierHead(scope, 2, 2);
  scope.parameters.get('fc.kernel')!.assign(tf.tensor2d([1, 0, 0, 1], [2, 2]));
  // Layer normalisation turns [v, −v] into [1, −1] and back: the mean over three frames is ±1/3.
  const x = tf.tensor3d([5, -5, 2, -2, -3, 3], [1, 3, 2]);
  expect(largestDifference(numbersOf(head.forward(x)), [1 / 3, -1 / 3])).toBeLessThan(1e-6);
  expect(largestDifference(numbersOf(head.forward(x, tf.tensor2d([0, 2], [1, 2]))), [0, -2 / 3])).toBeLessThan(1e-6);
});
