import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { checkpoint } from '../../../model/layers/checkpoint.js';
import { linear } from '../../../model/layers/linear.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { Segment, type SegmentVisit, watchSegments } from '../../../model/layers/segment.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

await startEngine();

const variable = (shape: number[], seed: number) =>
  tf.tidy(() =>
    tf.variable(
      tf.tensor(
        seededValues(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
        shape,
      ),
    ),
  );
const x = () => tf.tensor2d(seededValues(12, 1), [3, 4]);
const kernel = variable([4, 4], 2);
const gain = variable([4], 3);
const unused = variable([2], 4);
const mask = tf.keep(tf.tensor2d([0, 2, 2], [3, 1]));

/** A branch with a weight used twice, a mask, and a tensor that only lives during the pass. */
function block(input: tf.Tensor, dropped: tf.Tensor): tf.Tensor2D {
  const hidden = tf.tanh(linear(input, { kernel }));
  const again = linear(tf.mul(hidden, gain), { kernel });
  return tf.add(input, tf.mul(again, dropped));
}

type Wrap = (input: tf.Tensor) => tf.Tensor;
const plain: Wrap = (input) => block(input, mask);
const recomputed: Wrap = (input) =>
  checkpoint(([input], [dropped]) => block(input, dropped!), [input], [kernel, gain, unused], [mask]);

/** Value and gradients by input and weights of a loss with something before, between and after two blocks. */
function through(wrap: Wrap) {
  const loss = (input: tf.Tensor) => tf.sum(tf.square(wrap(tf.sin(wrap(tf.mul(input, gain)))))) as tf.Scalar;
  return tf.tidy(() => {
    const input = x();
    const { value, grads } = tf.variableGrads(() => loss(input), [kernel, gain, unused]);
    const direct = tf.grad(loss)(input);
    const byWeight = [kernel, gain, unused].map(({ name }) => grads[name]);
    return [value, direct, ...byWeight].map((tensor) => tensor && [...tensor.dataSync()]);
  });
}

/** Alike up to the order in which a weight that serves twice sums its gradients. */
function expectAlike(received: (number[] | undefined)[], expected: (number[] | undefined)[]): void {
  for (const [i, values] of expected.entries()) {
    expect(largestDifference(received[i]!, values!), `${i}`).toBeLessThan(1e-6 * Math.max(...values!.map(Math.abs)));
  }
}

describe('checkpoint', () => {
  test('gives the numbers and the gradients of the plain computation', () => {
    const [expected, received] = [through(plain), through(recomputed)];
    expectAlike(received, expected.slice(0, 4));
    expect(Math.max(...expected[2]!.map(Math.abs))).toBeGreaterThan(1);
    // Named as a weight but not read: a gradient of zero, where the plain computation knows of none.
    expect(expected[4]).toBeUndefined();
    expect(received[4]).toEqual([0, 0]);
  });

  test('may hold another checkpoint', () => {
    const nested: Wrap = (input) =>
      checkpoint(
        ([input], [dropped]) => checkpoint(([a], [b]) => block(a, b!), [input], [kernel, gain], [dropped]),
        [input],
        [kernel, gain],
        [mask],
      );
    expectAlike(through(nested), through(plain).slice(0, 4));
  });

  test('gives no gradient to a weight that is not named', () => {
    const forgetful: Wrap = (input) =>
      checkpoint(([input], [dropped]) => block(input, dropped!), [input], [kernel], [mask]);
    const { grads } = tf.variableGrads(() => tf.sum(forgetful(x())) as tf.Scalar, [kernel]);
    const { grads: full } = tf.variableGrads(() => tf.sum(plain(x())) as tf.Scalar, [kernel]);
    expect(numbersOf(grads[kernel.name])).toEqual(numbersOf(full[kernel.name]));
  });

  test('passes absent constants on as absent', () => {
    const seen: unknown[] = [];
    const fn: Wrap = (input) =>
      checkpoint(
        ([input], constants) => {
          seen.push(constants.map((constant) => constant?.shape));
          return block(input, constants[1]!);
        },
        [input],
        [kernel, gain],
        [undefined, mask, undefined],
      );
    expectAlike(through(fn), through(plain).slice(0, 4));
    // Forward and again backward.
    expect(new Set(seen.map((shapes) => JSON.stringify(shapes)))).toEqual(new Set(['[null,[3,1],null]']));
    expect(seen).toHaveLength(8);
  });

  test('keeps only what enters, and nothing after the step', () => {
    const kept = (wrap: Wrap) => {
      let during = 0;
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const input = x();
        const start = tf.memory().numTensors;
        tf.variableGrads(() => {
          const value = tf.tidy(() => tf.sum(wrap(input))) as tf.Scalar;
          during = tf.memory().numTensors - start;
          return value;
        }, [kernel, gain]);
      });
      expect(tf.memory().numTensors).toBe(before);
      return during;
    };
    // The input, the mask, the sum, and what the sum itself keeps.
    expect(kept(recomputed)).toBe(4);
    expect(kept(plain)).toBeGreaterThan(8);
  });

  test('leaves a tape behind it in order when the computation fails', () => {
    let calls = 0;
    const failing: Wrap = (input) =>
      checkpoint(
        ([input]) => {
          if (++calls > 1) throw new Error('out of memory');
          return tf.square(input);
        },
        [input],
        [],
        [],
      );
    expect(() => tf.grad((input: tf.Tensor) => tf.sum(failing(input)))(x())).toThrow('out of memory');
    expectAlike(through(recomputed), through(plain).slice(0, 4));
  });
});

describe('Segment', () => {
  const scope = ParameterScope.root(seededUniform(1)).within('part');
  const weight = scope.kernel('kernel', [4, 4], (shape) => seededValues(shape[0] * shape[1], 5));
  const frozen = scope.frozenIf(true).ones('gamma', [4]);
  const two = (segment: Segment, input: tf.Tensor) =>
    segment.runMany([input], [mask], ([input], [dropped]): [tf.Tensor, tf.Tensor] => {
      const y = linear(tf.mul(input, frozen), { kernel: weight });
      return [tf.mul(y, dropped!), tf.sum(tf.square(y), 1)];
    });
  const gradients = (grad_checkpoint: boolean) => {
    const segment = Segment.over(scope, { grad_checkpoint });
    return tf.tidy(() => {
      const f = (input: tf.Tensor) => {
        const [a, b] = two(segment, input);
        return tf.add(tf.sum(tf.sin(a)), tf.sum(b)) as tf.Scalar;
      };
      const input = x();
      const { value, grads } = tf.variableGrads(() => f(input));
      expect(Object.keys(grads)).not.toContain(frozen.name);
      return [value, grads[weight.name], tf.grad(f)(input)].map((tensor) => [...tensor.dataSync()]);
    });
  };

  test('of several results is the same either way', () => {
    expect(gradients(true)).toEqual(gradients(false));
  });

  test('is shown to whoever watches, with the shapes it was given', () => {
    const shapes = (tensors: readonly tf.Tensor[]) => tensors.map(({ shape }) => shape);
    for (const grad_checkpoint of [true, false]) {
      const visits: SegmentVisit[] = [];
      const segment = Segment.over(scope, { grad_checkpoint });
      tf.tidy(() =>
        watchSegments(
          (visit) => visits.push(visit),
          () => two(segment, x()),
        ),
      );
      tf.tidy(() => two(segment, x()));
      expect(visits).toHaveLength(1);
      expect(visits[0].name).toBe('part');
      expect(shapes(visits[0].inputs)).toEqual([
        [3, 4],
        [3, 1],
      ]);
      expect(shapes(visits[0].outputs)).toEqual([[3, 4], [3]]);
      expect(visits[0].weights).toEqual([weight, frozen]);
    }
  });
});
