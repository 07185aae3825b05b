import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { AdaptiveStates } from '../../../model/temporal/adaptiveStates.js';
import { Hydra } from '../../../model/temporal/hydra.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

function create(gamma: number, { d_state = 4, experts = 4 } = {}) {
  const scope = ParameterScope.root(seededUniform());
  const adaptive = new AdaptiveStates(scope, {
    d_state,
    adaptive_experts: experts,
    adaptive_gamma_init: gamma,
  });
  return { adaptive, gamma: scope.parameters.get('gamma')! };
}
const rows = (mask: tf.Tensor2D) => mask.arraySync();
/** The flicker ratio of white noise: its evidence is 1. */
const NOISE = 1 / Math.sqrt(8);

describe('AdaptiveStates', () => {
  test('follows the published formula', () => {
    // d_state 4, groups of 2: evidence 1/2 and 1 allow 4·(1+tanh(1/2)) = 5.848 and 4·(1+tanh(1)) = 7.046 states.
    const mask = rows(create(1).adaptive.forward(tf.tensor1d([NOISE / 2, NOISE])));
    const third = (5.848468629 - 4) / 2;
    const fourth = (7.046376624 - 6) / 2;
    expect(largestDifference(mask[0], [1, 1, 1, 1, third, third, 0, 0])).toBeLessThan(1e-6);
    expect(largestDifference(mask[1], [1, 1, 1, 1, 1, 1, fourth, fourth])).toBeLessThan(1e-6);
  });

  test('grows with the evidence and stays within [0,1]', () => {
    const levels = Array.from({ length: 21 }, (_, i) => i / 20);
    const mask = rows(create(1, { d_state: 8 }).adaptive.forward(tf.tensor1d(levels)));
    mask.forEach((row, i) => {
      row.forEach((value, n) => {
        expect(value).toBeGreaterThanOrEqual(i > 0 ? mask[i - 1][n] : 0);
        expect(value).toBeLessThanOrEqual(n > 0 ? row[n - 1] : 1);
      });
    });
    expect(mask[20].reduce((sum, v) => sum + v)).toBeGreaterThan(mask[0].reduce((sum, v) => sum + v) + 7);
  });

  test('with γ = 0 uses the first half alone, like a mixer that has no more', () => {
    const [channels, states, steps] = [6, 4, 5];
    const config = { ssm_expand: 2, hydra_d_conv: 7, hydra_headdim: 4 };
    const mask = create(0).adaptive.forward(tf.tensor1d([0.1, 0.3]));
    expect(rows(mask)).toEqual(Array(2).fill([1, 1, 1, 1, 0, 0, 0, 0]));
    const wide = ParameterScope.root(seededUniform(3));
    const narrow = ParameterScope.root(seededUniform(4));
    const [large, small] = [
      new Hydra(wide, channels, 2 * states, config, constants),
      new Hydra(narrow, channels, states, config, constants),
    ];
    const inner = 2 * channels;
    /** Of every group of 2N states (B_f, C_f, B_b, C_b) the first N. */
    const sliced = (values: tf.Tensor, axis: number, before: number[], after: number[]) => {
      const pieces = tf.split(values, [...before, ...Array(8).fill(states), ...after], axis);
      const groups = pieces.slice(before.length, before.length + 8).filter((_, i) => i % 2 === 0);
      return tf.concat([...pieces.slice(0, before.length), ...groups, ...pieces.slice(before.length + 8)], axis);
    };
    let seed = 50;
    for (const [name, variable] of wide.parameters) {
      variable.assign(tf.tensor(seededValues(variable.size, seed++), variable.shape));
      const values = variable as tf.Tensor;
      const target = narrow.parameters.get(name)!;
      if (name === 'in_proj.kernel') target.assign(sliced(values, 1, [inner, inner], [6]));
      else if (name === 'conv.kernel') target.assign(sliced(values, 2, [inner], []));
      else if (name === 'conv.bias') target.assign(sliced(values, 0, [inner], []));
      else target.assign(values);
    }
    const x = tf.tensor3d(seededValues(2 * steps * channels, 1), [2, steps, channels]);
    expect(largestDifference(numbersOf(large.forward(x, mask)), numbersOf(small.forward(x)))).toBeLessThan(1e-5);
    expect(largestDifference(numbersOf(large.forward(x)), numbersOf(small.forward(x)))).toBeGreaterThan(1e-2);
  });

  test('γ never shrinks the allowance, and no gradient reaches the flicker', () => {
    const { adaptive, gamma } = create(0.7);
    const flicker = tf.tensor1d([0.15, 0.3]);
    const total = (values: tf.Tensor) => tf.sum(adaptive.forward(values as tf.Tensor1D)) as tf.Scalar;
    const { grads } = tf.variableGrads(() => total(flicker), [gamma]);
    const slope = grads[gamma.name].dataSync()[0];
    // Σ mask = S while S lies inside a group: d/dγ Σ d_state·tanh(γe) = Σ d_state·e·(1−tanh²(γe)).
    const want = [0.15, 0.3].reduce((sum, r) => {
      const e = r * Math.sqrt(8);
      return sum + 4 * e * (1 - Math.tanh(0.7 * e) ** 2);
    }, 0);
    expect(slope).toBeCloseTo(want, 5);
    expect(numbersOf(tf.grad(total)(flicker))).toEqual([0, 0]);
  });
});
