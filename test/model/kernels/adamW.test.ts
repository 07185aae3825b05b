import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse, useOwnOperations } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { AdamW } from '../../../model/optimiser/adamW.js';
import { flatten } from '../../../model/optimiser/flatVector.js';
import { GradientAccumulator } from '../../../model/optimiser/gradientAccumulator.js';
import { parameterGroups } from '../../../model/optimiser/parameterGroups.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

await startEngine();
const whereOwn = describe.runIf(ownOperationsInUse());
afterAll(() => useOwnOperations(true));

/** One of one number, one without any, one of several chunks that fills none of them. */
const shapes: Record<string, number[]> = {
  'a.bias': [1],
  'a.kernel': [3, 17],
  'b.kernel': [0, 5],
  'c.gamma': [7],
  'stem.conv.kernel': [9001],
};

const parameters = () =>
  new Map(
    Object.entries(shapes).map(([name, shape], i) => {
      const values = tf.tensor(seededValues(tf.util.sizeFromShape(shape), i + 1), shape);
      return [name, tf.tidy(() => tf.variable(values))];
    }),
  );
const gradientsOf = (step: number) =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      seededValues(tf.util.sizeFromShape(shape), 100 * step + i).map((g) => g * 3),
    ]),
  );

const [scale, rate, weightDecay, trunkMultiplier] = [0.37, 2e-3, 0.05, 0.5];

/** Weights and moments, by name, after some steps. */
function train(own: boolean, steps: number) {
  useOwnOperations(own);
  const variables = parameters();
  const groups = parameterGroups(variables);
  const optimiser = new AdamW(groups, { weightDecay, trunkMultiplier });
  for (let step = 1; step <= steps; step++) {
    const gradients = gradientsOf(step);
    const vectors = groups.map(({ names }) => flatten(names.map((name) => tf.tensor1d(gradients[name]!))));
    const { first, second } = optimiser.nextCorrections();
    optimiser.update(vectors, {
      scale: tf.scalar(scale),
      learningRate: tf.scalar(rate),
      firstCorrection: tf.scalar(first),
      secondCorrection: tf.scalar(second),
    });
  }
  const moments = optimiser.exportMoments();
  return new Map([...variables].map(([name, p]) => [name, { p: p.dataSync<'float32'>(), ...moments.get(name)! }]));
}

/** The same in float64, a number at a time (Loshchilov and Hutter, 2019, algorithm 2). */
function trainLoop(steps: number) {
  const results = new Map<string, Record<'p' | 'm' | 'v', Float64Array>>();
  for (const [name, variable] of parameters()) {
    const p = Float64Array.from(variable.dataSync());
    const [m, v] = [new Float64Array(p.length), new Float64Array(p.length)];
    const lr = name.startsWith('stem') ? rate * trunkMultiplier : rate;
    for (let step = 1; step <= steps; step++) {
      gradientsOf(step)[name]!.forEach((raw, i) => {
        const g = raw * scale;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        const ratio = m[i]! / (1 - 0.9 ** step) / (Math.sqrt(v[i]! / (1 - 0.999 ** step)) + 1e-8);
        p[i] = p[i]! - lr * (ratio + (name.endsWith('kernel') ? weightDecay * p[i]! : 0));
      });
    }
    results.set(name, { p, m, v });
  }
  return results;
}

whereOwn('StfAdamW', () => {
  test.each([1, 25])('equals the composition and a loop after %i steps', (steps) => {
    const [own, composed, loop] = [train(true, steps), train(false, steps), trainLoop(steps)];
    expect([...own.keys()]).toEqual(Object.keys(shapes));
    for (const [name, values] of own) {
      for (const part of ['p', 'm', 'v'] as const) {
        expect(largestDifference(values[part], loop.get(name)![part])).toBeLessThan(2e-7 + 6e-8 * steps);
        expect(largestDifference(values[part], composed.get(name)![part])).toBeLessThan(2e-7 + 6e-8 * steps);
      }
    }
  });

  const attributes = (N: number) => ({
    N: { kind: 'int', value: N } as const,
    one_minus_beta1: { kind: 'float', value: 0.1 } as const,
    one_minus_beta2: { kind: 'float', value: 0.001 } as const,
    epsilon: { kind: 'float', value: 1e-8 } as const,
  });
  const factors = (first: number) => [first, 0.1, 1, 0.1, 0.001].map((factor) => tf.scalar(factor));

  test('leaves everything as it is where the scale is no number, and its operands always', () => {
    const [g, m, v, p] = [1, 2, 3, 4].map((seed) => tf.tensor1d(seededValues(9001, seed)));
    const before = [m!, v!, p!].map((tensor) => tensor.dataSync().slice());
    for (const skip of [Number.NaN, Infinity]) {
      const after = ownOperation('StfAdamW', attributes(1), [g!, m!, v!, ...factors(skip), p!], 3);
      expect(after.map((tensor) => tensor.dataSync())).toEqual(before);
    }
    const moved = ownOperation('StfAdamW', attributes(1), [g!, m!, v!, ...factors(1), p!], 3);
    expect(largestDifference(numbersOf(moved[0]!), before[0]!)).toBeGreaterThan(0.01);
    expect([m!, v!, p!].map((tensor) => tensor.dataSync())).toEqual(before);
  });

  test('lets NaN through to its own number alone', () => {
    const g = tf.tensor1d([1, Number.NaN, 1]);
    const result = ownOperation(
      'StfAdamW',
      attributes(1),
      [g, g.zerosLike(), g.onesLike(), ...factors(1), g.onesLike()],
      3,
    );
    for (const tensor of result) expect(numbersOf(tensor).map(Number.isNaN)).toEqual([false, true, false]);
  });

  test('refuses operands that do not fit', () => {
    const run = (sizes: number[], list: number[]) => {
      const tensors = [...sizes, ...list].map((size) => tf.zeros([size]));
      return () => ownOperation('StfAdamW', attributes(list.length), tensors, 2 + list.length);
    };
    expect(run([5, 5, 5, 1, 1, 1, 1, 1], [2, 3])).not.toThrow();
    expect(run([4, 5, 5, 1, 1, 1, 1, 1], [2, 3])).toThrow(
      'Expected 5 elements, those of the parameters, for input 0 but received 4',
    );
    expect(run([5, 5, 6, 1, 1, 1, 1, 1], [2, 3])).toThrow('for input 2 but received 6');
    expect(run([5, 5, 5, 1, 1, 2, 1, 1], [2, 3])).toThrow('Expected one number for input 5 but received 2');
    expect(run([5, 5, 5, 1, 0, 1, 1, 1], [2, 3])).toThrow('Expected one number for input 4 but received 0');
  });
});

whereOwn('StfSquareSum', () => {
  const squareSum = (...tensors: tf.Tensor[]) =>
    numbersOf(ownOperation('StfSquareSum', { N: { kind: 'int', value: tensors.length } }, tensors, 1)[0]!)[0]!;

  test('sums the squares of all tensors, rounded once', () => {
    const lists = [1, 40_000, 0, 17].map((size, i) => seededValues(size, i + 1));
    const want = lists.reduce((sum, list) => list.reduce((s, value) => s + value * value, sum), 0);
    const tensors = lists.map((list) => tf.tensor1d(list));
    expect(squareSum(...tensors)).toBe(Math.fround(want));
    expect(squareSum(tf.zeros([0]))).toBe(0);
    expect(squareSum(tf.zeros([3]), tf.tensor1d([1, Number.NaN]))).toBeNaN();
    expect(squareSum(tf.tensor1d([1e30]))).toBe(Infinity);
  });

  test('is behind the norm of accumulated gradients, as the composition', () => {
    const variables = parameters();
    const gradients = new GradientAccumulator(parameterGroups(variables));
    const values = gradientsOf(1);
    gradients.add(Object.fromEntries([...variables].map(([name, p]) => [p.name, tf.tensor(values[name]!, p.shape)])));
    const [own, composed] = [true, false].map((on) => {
      useOwnOperations(on);
      return numbersOf(gradients.squaredNorm())[0];
    });
    expect(own! / composed! - 1).toBeCloseTo(0, 6);
  });
});
