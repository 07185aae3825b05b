import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { quasiseparableMatrix } from '../../../model/temporal/quasiseparableMatrix.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

type Sizes = { batch: number; heads: number; steps: number; states: number };
const sizes: Sizes = { batch: 2, heads: 3, steps: 7, states: 2 };

function draw({ batch, heads, steps, states }: Sizes) {
  const vectors = (seed: number) => seededValues(batch * steps * states, seed);
  return {
    delta: seededValues(batch * heads * 2 * steps, 1).map((v) => 0.6 + 0.5 * v),
    decay: seededValues(heads, 2).map((v) => -1 + 0.8 * v),
    inputForward: vectors(3),
    outputForward: vectors(4),
    inputBackward: vectors(5),
    outputBackward: vectors(6),
  };
}
type Values = ReturnType<typeof draw>;

function operands(given: Values, { batch, heads, steps, states }: Sizes) {
  const vectors = (values: Float32Array) => tf.tensor3d(values, [batch, steps, states]);
  return {
    delta: tf.tensor4d(given.delta, [batch, heads, 2, steps]),
    decay: tf.tensor1d(given.decay),
    forward: { input: vectors(given.inputForward), output: vectors(given.outputForward) },
    backward: { input: vectors(given.inputBackward), output: vectors(given.outputBackward) },
  };
}
const matrixOf = (given: Values, at: Sizes) => quasiseparableMatrix(operands(given, at), constants);

/**
 * What the mixer does to one signal, step by step: `h_t = exp(Δ_t·A)·h_{t−1} + Δ_t·B_t·x_t`, `y_t = C_t·h_t`, then one
 * step later; the backward half is the same on reversed time, reversed back.
 */
function recurrence(given: Values, at: Sizes, b: number, head: number, x: ArrayLike<number>): number[] {
  const { heads, steps, states } = at;
  const run = (direction: 0 | 1, input: Float32Array, output: Float32Array) => {
    const order = Array.from({ length: steps }, (_, t) => (direction === 0 ? t : steps - 1 - t));
    const h = new Float64Array(states);
    const read = order.map((t) => {
      const step = given.delta[((b * heads + head) * 2 + direction) * steps + t];
      let y = 0;
      for (let n = 0; n < states; n++) {
        const at = (b * steps + t) * states + n;
        h[n] = Math.exp(step * given.decay[head]) * h[n] + step * input[at] * x[t];
        y += output[at] * h[n];
      }
      return y;
    });
    const shifted = [0, ...read.slice(0, -1)];
    return direction === 0 ? shifted : shifted.reverse();
  };
  const forward = run(0, given.inputForward, given.outputForward);
  const backward = run(1, given.inputBackward, given.outputBackward);
  return forward.map((y, t) => y + backward[t]);
}

/** The whole matrix by the recurrence, column by column from unit signals. */
function byRecurrence(given: Values, at: Sizes): number[] {
  const { batch, heads, steps } = at;
  const out = new Array<number>(batch * heads * steps * steps);
  for (let b = 0; b < batch; b++)
    for (let head = 0; head < heads; head++)
      for (let s = 0; s < steps; s++) {
        const unit = Array.from({ length: steps }, (_, t) => (t === s ? 1 : 0));
        recurrence(given, at, b, head, unit).forEach((y, t) => {
          out[((b * heads + head) * steps + t) * steps + s] = y;
        });
      }
  return out;
}

/** Rank by elimination with full pivoting, counting pivots above a share of the largest. */
function rank(rows: number[][], share = 1e-5): number {
  const left = rows.map((row) => [...row]);
  const largest = Math.max(...left.flat().map(Math.abs));
  let count = 0;
  while (left.length > 0) {
    const [i, j] = left
      .flatMap((row, i) => row.map((v, j): [number, number, number] => [i, j, Math.abs(v)]))
      .reduce((best, entry) => (entry[2] > best[2] ? entry : best));
    const [pivot] = left.splice(i, 1);
    if (Math.abs(pivot[j]) <= share * largest) break;
    count++;
    for (const row of left) {
      const factor = row[j] / pivot[j];
      row.forEach((_, k) => {
        row[k] -= factor * pivot[k];
      });
    }
  }
  return count;
}

describe('quasiseparableMatrix', () => {
  test.each<Sizes>([sizes, { batch: 1, heads: 1, steps: 2, states: 1 }, { batch: 1, heads: 2, steps: 32, states: 16 }])(
    'equals the shifted recurrences of both directions, %o',
    (at) => {
      const given = draw(at);
      const matrix = matrixOf(given, at);
      expect(matrix.shape).toEqual([at.batch, at.heads, at.steps, at.steps]);
      expect(largestDifference(numbersOf(matrix), byRecurrence(given, at))).toBeLessThan(1e-5);
    },
  );

  test('keeps its accuracy over 64 steps of fast decay', () => {
    const at = { batch: 1, heads: 1, steps: 64, states: 1 };
    const given = { ...draw(at), decay: Float32Array.of(-14) };
    // Exponents reach −540. Neighbours are of order one, what lies far apart is nothing: compare each entry in itself.
    const want = byRecurrence(given, at);
    numbersOf(matrixOf(given, at)).forEach((value, i) => {
      expect(Math.abs(value - want[i])).toBeLessThanOrEqual(1e-5 * Math.abs(want[i]) + 1e-37);
    });
  });

  test('has rank at most N in the blocks below and above its diagonal, which is zero', () => {
    const { steps, states } = sizes;
    const matrix = numbersOf(matrixOf(draw(sizes), sizes)).slice(0, steps * steps);
    const entry = (t: number, s: number) => matrix[t * steps + s];
    for (let t = 0; t < steps; t++) expect(Math.abs(entry(t, t))).toBe(0);
    const half = [0, 1, 2];
    const below = half.map((t) => half.map((s) => entry(4 + t, s)));
    const above = half.map((t) => half.map((s) => entry(t, 4 + s)));
    expect(rank(below)).toBe(states);
    expect(rank(above)).toBe(states);
    // Together, as a full square would be, they are of higher rank: the test can tell.
    expect(rank(Array.from({ length: steps }, (_, t) => matrix.slice(t * steps, (t + 1) * steps)))).toBeGreaterThan(
      states,
    );
  });

  test('the side below reads the forward operands alone, the side above the backward ones', () => {
    const { steps } = sizes;
    const given = draw(sizes);
    const plain = numbersOf(matrixOf(given, sizes));
    const touched = (change: Partial<Values>) => {
      const sides = { below: false, above: false };
      numbersOf(matrixOf({ ...given, ...change }, sizes)).forEach((value, i) => {
        const [t, s] = [Math.floor(i / steps) % steps, i % steps];
        if (Math.abs(value - plain[i]) > 1e-6) sides[s < t ? 'below' : 'above'] = true;
      });
      return sides;
    };
    const negative = (values: Float32Array) => values.map((v) => -v);
    const [below, above] = [
      { below: true, above: false },
      { below: false, above: true },
    ];
    expect(touched({ inputForward: negative(given.inputForward) })).toEqual(below);
    expect(touched({ outputForward: negative(given.outputForward) })).toEqual(below);
    expect(touched({ inputBackward: negative(given.inputBackward) })).toEqual(above);
    expect(touched({ outputBackward: negative(given.outputBackward) })).toEqual(above);
    const direction = (which: 0 | 1) => given.delta.map((v, i) => (Math.floor(i / steps) % 2 === which ? v + 0.3 : v));
    expect(touched({ delta: direction(0) })).toEqual(below);
    expect(touched({ delta: direction(1) })).toEqual(above);
  });

  test('has the gradients of finite differences in every operand', () => {
    const at = { batch: 2, heads: 2, steps: 4, states: 2 };
    const { delta, decay, forward, backward } = operands(draw(at), at);
    const f = (...given: tf.Tensor[]) => {
      const [delta, decay, inputForward, outputForward, inputBackward, outputBackward] = given as tf.Tensor3D[];
      return quasiseparableMatrix(
        {
          delta: delta as tf.Tensor as tf.Tensor4D,
          decay: decay as tf.Tensor as tf.Tensor1D,
          forward: { input: inputForward, output: outputForward },
          backward: { input: inputBackward, output: outputBackward },
        },
        constants,
      );
    };
    const weight = tf.tensor(seededValues(64, 9), [2, 2, 4, 4]);
    const inputs = [delta, decay, forward.input, forward.output, backward.input, backward.output];
    for (const error of gradientErrors(f, inputs, weight)) expect(error).toBeLessThan(2e-3);
  });
});
