import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { gelu } from '../../../model/layers/gelu.js';
import { silu } from '../../../model/layers/silu.js';
import { softplus } from '../../../model/layers/softplus.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, emptyShapes, oddShapes, valueAndGradients } from './checkOwnOperation.js';

await startEngine();

/** Φ(x) in float64: Marsaglia's series (2004), and Laplace's continued fraction where the series cancels. */
function cumulative(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x > 3) return 1 - cumulative(-x);
  if (x < -3) {
    let fraction = 0;
    for (let k = 200; k > 0; k--) fraction = k / (-x + fraction);
    return density / (-x + fraction);
  }
  let [term, sum] = [x, x];
  for (let k = 3; Math.abs(term) > 1e-18; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + density * sum;
}
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

const activations = {
  Gelu: {
    layer: gelu,
    value: (x: number) => x * cumulative(x),
    derivative: (x: number) => cumulative(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
  },
  Silu: {
    layer: silu,
    value: (x: number) => x * logistic(x),
    derivative: (x: number) => logistic(x) * (1 + x * (1 - logistic(x))),
  },
  Softplus: {
    layer: softplus,
    value: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    derivative: logistic,
  },
};

/** Distance in float32's unit in the last place of `want`, or of the least number that counts. */
const ulps = (got: number, want: number, least: number) =>
  Math.abs(got - want) / 2 ** (Math.floor(Math.log2(Math.max(Math.abs(want), least))) - 23);

describe.runIf(ownOperationsInUse()).each(Object.entries(activations))('%s', (name, { layer, value, derivative }) => {
  const run = (x: tf.Tensor, own: boolean) => valueAndGradients(layer as never, [x], tf.onesLike(x), own);
  const apart = (x: Float32Array, least: number, leastSlope: number) => {
    const [y, dx] = run(tf.tensor1d(x), true) as [Float32Array, Float32Array];
    const worst = (got: Float32Array, want: (x: number) => number, floor: number) =>
      got.reduce((most, number, i) => Math.max(most, ulps(number, want(x[i]!), floor)), 0);
    return [worst(y, value, least), worst(dx, derivative, leastSlope)];
  };

  test('is within a few units in the last place of float64', () => {
    const x = Float32Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 1000);
    // A slope is the difference of two numbers where it passes through zero.
    const [valueError, slopeError] = apart(x, 2 ** -6, 2 ** -2);
    expect(valueError).toBeLessThan(6);
    expect(slopeError).toBeLessThan(6);
  });

  test('keeps its relative accuracy where it is small', () => {
    const small = Float32Array.from({ length: 300 }, (_, i) => (i % 2 ? 1 : -1) * 2 ** -(i / 6));
    expect(Math.max(...apart(small, 1e-30, 2 ** -2))).toBeLessThan(6);
    const tail = Float32Array.from({ length: 2000 }, (_, i) => -1 - i / 400);
    // An exponent e is rounded to e·2⁻²⁴, and that is the error of its exponential.
    const [valueError] = apart(tail, 1e-30, 2 ** -2);
    expect(valueError).toBeLessThan(20);
  });

  test.each(oddShapes.map((shape) => [shape]))('equals its composition and a loop for %j', (shape) => {
    const x = tf.tensor(seededValues(tf.util.sizeFromShape(shape), 3), shape).mul(4);
    checkOwnOperation(layer as never, (numbers) => numbers.map(value), [x]);
  });

  test('takes what is not finite as its composition does', () => {
    const x = tf.tensor1d([Number.NaN, Infinity, -Infinity, 1e30, -1e30, 90, -90, 200, -200, 0, -0, 1e-40]);
    const [[y, dx], [wantY, wantDx]] = [run(x, true), run(x, false)] as [Float32Array[], Float32Array[]];
    for (const [got, want] of [
      [y!, wantY!],
      [dx!, wantDx!],
    ]) {
      got!.forEach((number, i) => {
        if (Number.isFinite(want![i]!))
          expect(Math.abs(number - want![i]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(number)));
        else expect(number).toBe(want![i]);
      });
    }
  });

  test('takes no elements, and refuses gradients of another shape', () => {
    for (const shape of emptyShapes) {
      expect(ownOperation(`Stf${name}`, {}, [tf.zeros(shape)], 1)[0]!.shape).toEqual(shape);
      expect(ownOperation(`Stf${name}Gradient`, {}, [tf.zeros(shape), tf.zeros(shape)], 1)[0]!.shape).toEqual(shape);
    }
    expect(() => ownOperation(`Stf${name}Gradient`, {}, [tf.zeros([4]), tf.zeros([5])], 1)).toThrow(
      /Expected dy of shape \[5\] but received \[4\]/,
    );
  });
});
