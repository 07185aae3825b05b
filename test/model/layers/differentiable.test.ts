import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { differentiable } from '../../../model/layers/differentiable.js';
import { numbersOf } from '../differences.js';

beforeAll(async () => {
  await startEngine();
});

/** `3x`, which keeps its input and tells when its backward pass begins. */
const triple = (x: tf.Tensor, atBackward = () => {}) =>
  differentiable(
    [x],
    (save) => {
      save([x]);
      return tf.mul(x, 3);
    },
    (dy) => {
      atBackward();
      return [tf.mul(dy, 3)];
    },
  );

describe('differentiable', () => {
  test('uses the derivative that it is given', () => {
    const [x, dy] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 10])];
    const square = (x: tf.Tensor) =>
      differentiable(
        [x],
        (save) => {
          save([x]);
          return tf.square(x);
        },
        (dy, [input]) => [tf.mul(dy, tf.mul(input, 2))],
      );
    expect(numbersOf(tf.grad(square)(x, dy))).toEqual([2, 40]);
  });

  test('leaves a gradient that the caller gave to the caller', () => {
    const [x, dy] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 10])];
    expect(numbersOf(tf.grad((x: tf.Tensor) => triple(x))(x, dy))).toEqual([3, 30]);
    expect(numbersOf(dy)).toEqual([1, 10]);
  });

  test('hands an incoming gradient on whole where it is also the outgoing one', () => {
    const same = (x: tf.Tensor) =>
      differentiable(
        [x],
        () => tf.add(x, 1),
        (dy) => [dy],
      );
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(same(same(triple(x))), 2)));
    expect(numbersOf(gradient(tf.tensor1d([1, 2])))).toEqual([6, 6]);
  });

  test('frees the gradients between its units as the backward pass goes', () => {
    const counts: number[] = [];
    const chain = (x: tf.Tensor) => {
      let y = x;
      for (let i = 0; i < 6; i++) y = triple(y, () => counts.push(tf.memory().numTensors));
      return tf.sum(y) as tf.Scalar;
    };
    const before = tf.memory().numTensors;
    const x = tf.tensor1d([1, 2]);
    expect(numbersOf(tf.grad(chain)(x))).toEqual([729, 729]);
    // One saved input less with every unit that is done; tfjs alone would hold one gradient more each time.
    expect(counts.slice(1)).toEqual(counts.slice(1).map((_, i) => counts[1] - i));
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
