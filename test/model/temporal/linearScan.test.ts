import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { linearScan } from '../../../model/temporal/linearScan.js';
import { selectiveScan } from '../../../model/temporal/selectiveScan.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

describe('linearScan', () => {
  test.each([1, 2, 3, 4, 7, 8, 32, 33])('equals the step-by-step recurrence over %i steps', (steps) => {
    const [series, channels] = [3, 5];
    const size = series * steps * channels;
    const a = seededValues(size, 1).map((v) => 0.5 + 0.5 * v);
    const b = seededValues(size, 2);
    const want = new Float64Array(size);
    for (let g = 0; g < series; g++)
      for (let t = 0; t < steps; t++)
        for (let c = 0; c < channels; c++) {
          const at = (g * steps + t) * channels + c;
          want[at] = b[at] + (t === 0 ? 0 : a[at] * want[at - channels]);
        }
    const shape: [number, number, number] = [series, steps, channels];
    const h = linearScan(tf.tensor3d(a, shape), tf.tensor3d(b, shape));
    expect(largestDifference(numbersOf(h), want)).toBeLessThan(1e-5);
  });

  test.each([1, 2, 5, 8])('has the gradients of the recurrence over %i steps', (steps) => {
    const shape = [2, steps, 3];
    const random = (seed: number) => tf.tensor(seededValues(6 * steps, seed), shape);
    const a = tf.add(tf.mul(random(1), 0.4), 0.5);
    for (const error of gradientErrors(linearScan as never, [a, random(2)], random(3)))
      expect(error).toBeLessThan(2e-3);
  });

  test('factors that underflow do no harm', () => {
    const a = tf.fill([1, 16, 2], 1e-30) as tf.Tensor3D;
    const b = tf.ones([1, 16, 2]) as tf.Tensor3D;
    expect(largestDifference(numbersOf(linearScan(a, b)), Array(32).fill(1))).toBeLessThan(1e-6);
  });
});

describe.each([true, false])('selectiveScan, own operations %s', (own) => {
  beforeAll(() => useOwnOperations(own));
  afterAll(() => useOwnOperations(true));

  const [directions, samples, steps, inner, states] = [2, 2, 5, 3, 4];
  const rows = samples * steps;
  const values = {
    u: seededValues(directions * rows * inner, 1),
    delta: seededValues(directions * rows * inner, 2).map((v) => 0.6 + 0.5 * v),
    decay: seededValues(directions * inner * states, 3).map((v) => -1.5 + v),
    input: seededValues(directions * rows * states, 4),
    output: seededValues(directions * rows * states, 5),
    skip: seededValues(directions * inner, 6),
  };
  const operands = (given: typeof values) => ({
    u: tf.tensor3d(given.u, [directions, rows, inner]),
    delta: tf.tensor3d(given.delta, [directions, rows, inner]),
    decay: tf.tensor3d(given.decay, [directions, inner, states]),
    input: tf.tensor3d(given.input, [directions, rows, states]),
    output: tf.tensor3d(given.output, [directions, rows, states]),
    skip: tf.tensor3d(given.skip, [directions, 1, inner]),
    steps,
  });
  const loop = (given: typeof values) => {
    const out: number[] = [];
    for (let d = 0; d < directions; d++)
      for (let sample = 0; sample < samples; sample++) {
        const h = Array.from({ length: inner }, () => new Float64Array(states));
        for (let t = 0; t < steps; t++) {
          const row = d * rows + sample * steps + t;
          for (let c = 0; c < inner; c++) {
            const [step, u] = [given.delta[row * inner + c], given.u[row * inner + c]];
            let y = given.skip[d * inner + c] * u;
            for (let n = 0; n < states; n++) {
              const a = given.decay[(d * inner + c) * states + n];
              h[c][n] = Math.exp(step * a) * h[c][n] + step * u * given.input[row * states + n];
              y += given.output[row * states + n] * h[c][n];
            }
            out.push(y);
          }
        }
      }
    return out;
  };

  test('equals the recurrence by loops', () => {
    const y = selectiveScan(operands(values));
    expect(y.shape).toEqual([directions, rows, inner]);
    expect(largestDifference(numbersOf(y), loop(values))).toBeLessThan(1e-5);
  });

  test('with a very fast decay has no memory', () => {
    const forgetful = { ...values, decay: values.decay.map(() => -1e6) };
    const y = numbersOf(selectiveScan(operands(forgetful)));
    const want: number[] = [];
    for (let row = 0; row < directions * rows; row++) {
      const d = Math.floor(row / rows);
      let product = 0;
      for (let n = 0; n < states; n++) product += values.input[row * states + n] * values.output[row * states + n];
      for (let c = 0; c < inner; c++) {
        const [step, u] = [values.delta[row * inner + c], values.u[row * inner + c]];
        want.push(step * u * product + values.skip[d * inner + c] * u);
      }
    }
    expect(largestDifference(y, want)).toBeLessThan(1e-5);
  });

  test('has the gradients of finite differences in every operand', () => {
    const { u, delta, decay, input, output, skip } = operands(values);
    const f = (...given: tf.Tensor3D[]) => {
      const [u, delta, decay, input, output, skip] = given;
      return selectiveScan({ u, delta, decay, input, output, skip, steps });
    };
    const weight = tf.tensor3d(seededValues(directions * rows * inner, 7), [directions, rows, inner]);
    const errors = gradientErrors(f as never, [u, delta, decay, input, output, skip], weight);
    for (const error of errors) expect(error).toBeLessThan(2e-3);
  });
});
