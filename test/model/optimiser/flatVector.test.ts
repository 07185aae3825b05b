import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { flatten, unflatten } from '../../../model/optimiser/flatVector.js';

beforeAll(async () => {
  await startEngine();
});

it('puts tensors one after the other, and takes them apart again', () => {
  const tensors = [tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.scalar(7), tf.tensor1d([8, 9])];
  const vector = flatten(tensors);
  expect([...vector.dataSync()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const pieces = unflatten(
    vector,
    tensors.map(({ shape }) => shape),
  );
  expect(pieces.map((piece) => piece.arraySync())).toEqual([
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    7,
    [8, 9],
  ]);
});
