import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { Hydra } from '../../../model/temporal/hydra.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

const config = { ssm_expand: 2, hydra_d_conv: 7, hydra_headdim: 4 };
const [batch, steps, channels, states, inner, heads] = [2, 5, 6, 3, 12, 3];
const input = (seed = 1) => tf.tensor3d(seededValues(batch * steps * channels, seed), [batch, steps, channels]);

function create(given = { channels, states, config }) {
  const scope = ParameterScope.root(seededUniform(2));
  const hydra = new Hydra(scope, given.channels, given.states, given.config, constants);
  return { hydra, parameters: scope.parameters };
}
/** Larger than at the start and nowhere constant, so that what should reach the output does so visibly. */
function stir(parameters: ReadonlyMap<string, tf.Variable>) {
  let seed = 50;
  for (const [name, variable] of parameters) {
    const centre = /gamma$|^D$/.test(name) ? 1 : 0;
    const values = seededValues(variable.size, seed++).map((v) => centre + 0.6 * v);
    variable.assign(tf.tensor(values, variable.shape));
  }
}
const valuesOf = (parameters: ReadonlyMap<string, tf.Variable>, name: string) => [
  ...parameters.get(name)!.dataSync<'float32'>(),
];

/** The mixer as the paper's reference runs it, in float64 with loops: convolve, scan, shift, turn round, scan, add. */
function byLoops(x: ArrayLike<number>, parameters: ReadonlyMap<string, tf.Variable>, allowance?: number[]): number[] {
  const p = (name: string) => valuesOf(parameters, name);
  const [inProj, kernel, bias, stepBias, logDecay, skip, diagonal, gamma, outProj] = [
    'in_proj.kernel',
    'conv.kernel',
    'conv.bias',
    'dt_bias',
    'A_log',
    'D',
    'fc_D.kernel',
    'norm.gamma',
    'out_proj.kernel',
  ].map(p);
  const width = 2 * inner + 4 * states + 2 * heads;
  const signal = inner + 4 * states;
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    const rows = Array.from({ length: steps }, (_, t) =>
      Array.from({ length: width }, (_, j) => {
        let sum = 0;
        for (let i = 0; i < channels; i++) sum += x[(b * steps + t) * channels + i] * inProj[i * width + j];
        return sum;
      }),
    );
    const convolved = rows.map((_, t) =>
      Array.from({ length: signal }, (_, c) => {
        let sum = bias[c];
        for (let k = -3; k <= 3; k++) sum += (rows[t + k]?.[inner + c] ?? 0) * kernel[(k + 3) * signal + c];
        return sum * sigmoid(sum);
      }),
    );
    const y = rows.map(() => new Float64Array(inner));
    for (const direction of [0, 1]) {
      const order = rows.map((_, t) => (direction === 0 ? t : steps - 1 - t));
      const state = Array.from({ length: inner }, () => new Float64Array(states));
      const read = order.map((t) =>
        Float64Array.from({ length: inner }, (_, c) => {
          const head = Math.floor(c / (inner / heads));
          const dt = Math.log1p(Math.exp(rows[t][inner + signal + direction * heads + head] + stepBias[head]));
          let sum = 0;
          for (let n = 0; n < states; n++) {
            const inputAt = inner + 2 * direction * states + n;
            state[c][n] =
              Math.exp(-dt * Math.exp(logDecay[head])) * state[c][n] + dt * convolved[t][inputAt] * convolved[t][c];
            sum += convolved[t][inputAt + states] * (allowance?.[b * states + n] ?? 1) * state[c][n];
          }
          return sum;
        }),
      );
      order.forEach((t, i) => {
        if (i > 0)
          read[i - 1].forEach((v, c) => {
            y[t][c] += v;
          });
      });
    }
    rows.forEach((row, t) => {
      const mixed = Array.from(y[t], (v, c) => {
        const head = Math.floor(c / (inner / heads));
        let weight = skip[head];
        for (let i = 0; i < inner; i++) weight += convolved[t][i] * diagonal[i * heads + head];
        return v + convolved[t][c] * weight;
      });
      const scale = 1 / Math.sqrt(mixed.reduce((sum, v) => sum + v * v, 0) / inner + 1e-5);
      const gated = mixed.map((v, c) => v * scale * gamma[c] * row[c] * sigmoid(row[c]));
      for (let j = 0; j < channels; j++) out.push(gated.reduce((sum, v, c) => sum + v * outProj[c * channels + j], 0));
    });
  }
  return out;
}

describe.each([true, false])('Hydra, own operations %s', (own) => {
  beforeAll(() => useOwnOperations(own));
  afterAll(() => useOwnOperations(true));

  test('equals the step-by-step mixer in float64, every parameter playing its part', () => {
    const { hydra, parameters } = create();
    stir(parameters);
    const x = input();
    expect(largestDifference(numbersOf(hydra.forward(x)), byLoops(x.dataSync(), parameters))).toBeLessThan(2e-5);
    const allowance = Array.from(seededValues(batch * states, 9), (v) => 0.5 + 0.5 * v);
    const allowed = hydra.forward(x, tf.tensor2d(allowance, [batch, states]));
    expect(largestDifference(numbersOf(allowed), byLoops(x.dataSync(), parameters, allowance))).toBeLessThan(2e-5);
  });

  test('has the gradient of finite differences, with respect to its input and the allowance', () => {
    const { hydra, parameters } = create();
    stir(parameters);
    const allowance = tf.tensor2d(
      seededValues(batch * states, 9).map((v) => 0.5 + 0.4 * v),
      [batch, states],
    );
    const weight = tf.tensor(seededValues(batch * steps * channels, 7), [batch, steps, channels]);
    const f = (x: tf.Tensor, allowed: tf.Tensor) => hydra.forward(x as tf.Tensor3D, allowed as tf.Tensor2D);
    for (const error of gradientErrors(f as never, [input(), allowance], weight)) expect(error).toBeLessThan(5e-3);
  });

  test('turns round with its input when the directions swap their channels and the convolution is mirrored', () => {
    const { hydra, parameters } = create();
    stir(parameters);
    const straight = tf.reverse(hydra.forward(input()), 1);
    const swap = (variable: tf.Variable, axis: number, parts: number[], order: number[]) => {
      const pieces = tf.split(variable as tf.Tensor, parts, axis);
      variable.assign(
        tf.concat(
          order.map((i) => pieces[i]),
          axis,
        ),
      );
    };
    const bands = [states, states, states, states];
    swap(parameters.get('in_proj.kernel')!, 1, [inner, inner, ...bands, heads, heads], [0, 1, 4, 5, 2, 3, 7, 6]);
    for (const [name, axis] of [
      ['conv.kernel', 2],
      ['conv.bias', 0],
    ] as const) {
      swap(parameters.get(name)!, axis, [inner, ...bands], [0, 3, 4, 1, 2]);
    }
    const kernel = parameters.get('conv.kernel')!;
    kernel.assign(tf.reverse(kernel, 0));
    const turned = hydra.forward(tf.reverse(input(), 1));
    expect(largestDifference(numbersOf(turned), numbersOf(straight))).toBeLessThan(1e-5);
  });

  test('without steps and with a constant diagonal passes its convolved input on, frame by frame', () => {
    const { hydra, parameters } = create();
    stir(parameters);
    const set = (name: string, value: number) => {
      const variable = parameters.get(name)!;
      variable.assign(tf.fill(variable.shape, value));
    };
    set('dt_bias', -60); // softplus(−60 ± 4) is below 1e-24
    set('fc_D.kernel', 0);
    // A convolution of its middle tap alone sees one frame only.
    const kernel = parameters.get('conv.kernel')!;
    const middle = tf.tensor4d([0, 0, 0, 1, 0, 0, 0], [7, 1, 1, 1]);
    kernel.assign(tf.mul(kernel, middle));
    const order = tf.tensor1d([3, 0, 4, 1, 2], 'int32');
    const permuted = hydra.forward(tf.gather(input(), order, 1));
    const straight = tf.gather(hydra.forward(input()), order, 1);
    expect(largestDifference(numbersOf(permuted), numbersOf(straight))).toBeLessThan(1e-5);
    // Doubling D doubles y, which the norm behind it takes out again.
    const before = numbersOf(hydra.forward(input()));
    const skip = parameters.get('D')!;
    skip.assign(tf.mul(skip, 2));
    expect(largestDifference(numbersOf(hydra.forward(input())), before)).toBeLessThan(1e-3);
    set('D', 0);
    expect(largestDifference(numbersOf(hydra.forward(input())), Array(before.length).fill(0))).toBeLessThan(1e-6);
  });

  test('keeps samples apart', () => {
    const { hydra, parameters } = create();
    stir(parameters);
    const values = seededValues(batch * steps * channels, 1);
    const half = values.length / 2;
    const other = values.map((v, i) => (i < half ? v : 2 - v));
    const first = (given: Float32Array) =>
      numbersOf(hydra.forward(tf.tensor3d(given, [batch, steps, channels]))).slice(0, half);
    expect(largestDifference(first(other), first(values))).toBeLessThan(1e-6);
  });

  test('has half the parameters of two Mamba blocks at the published width', () => {
    const { parameters } = create({ channels: 384, states: 16, config: { ...config, hydra_headdim: 64 } });
    const count = [...parameters.values()].reduce((sum, { size }) => sum + size, 0);
    expect(count).toBe(935_204);
    const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape.join('×')]));
    expect(shapes).toEqual({
      'in_proj.kernel': '384×1624',
      'conv.kernel': '7×1×832×1',
      'conv.bias': '832',
      dt_bias: '12',
      A_log: '12',
      D: '12',
      'fc_D.kernel': '768×12',
      'norm.gamma': '768',
      'out_proj.kernel': '768×384',
    });
    tf.dispose([...parameters.values()]);
  });

  test('starts with slow steps, decay one and skip one', () => {
    const { parameters } = create({ channels: 64, states: 4, config });
    const stepSizes = valuesOf(parameters, 'dt_bias').map((v) => Math.log1p(Math.exp(v)));
    expect(Math.min(...stepSizes)).toBeGreaterThanOrEqual(0.99e-3);
    expect(Math.max(...stepSizes)).toBeLessThanOrEqual(0.101);
    expect(Math.max(...stepSizes) / Math.min(...stepSizes)).toBeGreaterThan(10);
    expect(new Set(valuesOf(parameters, 'A_log'))).toEqual(new Set([0]));
    expect(new Set(valuesOf(parameters, 'D'))).toEqual(new Set([1]));
    expect(new Set(valuesOf(parameters, 'conv.bias'))).toEqual(new Set([0]));
    const taps = valuesOf(parameters, 'conv.kernel').map(Math.abs);
    expect(Math.max(...taps)).toBeLessThanOrEqual(7 ** -0.5);
    expect(Math.max(...taps)).toBeGreaterThan(0.9 * 7 ** -0.5);
  });

  test('a width below the head size is one head; one that heads do not divide is refused', () => {
    const { parameters } = create({ channels: 8, states: 2, config: { ...config, hydra_headdim: 64 } });
    expect(parameters.get('D')!.shape).toEqual([1]);
    expect(() => create({ channels: 9, states: 2, config })).toThrow('divisible by hydra_headdim 4 but received 18');
  });
});
