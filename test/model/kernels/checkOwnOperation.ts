import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { largestDifference } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { type Float64Function, float64Gradients } from './float64Gradients.js';

type Layer = (...inputs: tf.Tensor[]) => tf.Tensor;

/** A layer's value and the gradients of `Σ weight⊙value`, by our own operations or by the composition. */
export function valueAndGradients(layer: Layer, inputs: tf.Tensor[], weight: tf.Tensor, own: boolean): Float32Array[] {
  useOwnOperations(own);
  try {
    return tf.tidy(() => {
      const value = layer(...inputs);
      expect(value.shape).toEqual(weight.shape);
      const gradients = tf.grads((...given) => layer(...given))(inputs, weight);
      gradients.forEach((gradient, i) => {
        expect(gradient.shape).toEqual(inputs[i]!.shape);
      });
      return [value, ...gradients].map((tensor) => tensor.dataSync<'float32'>().slice());
    });
  } finally {
    useOwnOperations(true);
  }
}

/**
 * Holds a layer's own operations against its composition and against a loop in float64, value and gradients. The first
 * input has the shape of the value. Errors are measured against the largest number of each list, or against 1.
 */
export function checkOwnOperation(layer: Layer, loop: Float64Function, inputs: tf.Tensor[], tolerance = 4e-6): void {
  const [{ size, shape }] = inputs as [tf.Tensor];
  const weight = tf.tensor(seededValues(size, 77), shape);
  const got = valueAndGradients(layer, inputs, weight, true);
  const doubles = inputs.map((input) => Float64Array.from(input.dataSync()));
  const want = [loop(...doubles), ...float64Gradients(loop, doubles, Float64Array.from(weight.dataSync()))];
  const composed = valueAndGradients(layer, inputs, weight, false);
  got.forEach((numbers, i) => {
    const scale = want[i]!.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    expect(largestDifference(numbers, want[i]!) / scale).toBeLessThan(tolerance);
    expect(largestDifference(numbers, composed[i]!) / scale).toBeLessThan(tolerance);
  });
}

/** Shapes of every rank up to five, with widths that fill no vector register. */
export const oddShapes = [[1], [3], [17], [1, 1], [1, 17], [5, 3], [2, 3, 1], [2, 2, 3, 17], [2, 1, 2, 3, 5]];

/** Shapes without an element. */
export const emptyShapes = [
  [0, 5],
  [2, 0, 3],
];
