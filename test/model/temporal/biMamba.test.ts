import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { BiMamba } from '../../../model/temporal/biMamba.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const [batch, steps, channels] = [2, 6, 8];
const inner = 16;
const config = { d_state: 4, d_conv: 4, ssm_expand: 2, mlp_ratio: 2 };
const x = (seed = 1) => tf.tensor3d(seededValues(batch * steps * channels, seed), [batch, steps, channels]);
const none: [undefined, undefined] = [undefined, undefined];

function create() {
  const scope = ParameterScope.root(seededUniform(2));
  const block = new BiMamba(scope, channels, config);
  let seed = 50;
  const { parameters } = scope;
  for (const [name, variable] of parameters) {
    // Larger than at the start, so that what should reach the output does so visibly.
    if (/kernel$/.test(name)) variable.assign(tf.tensor(seededValues(variable.size, seed++), variable.shape));
  }
  const copy = (from: string, to: string) => parameters.get(to)!.assign(parameters.get(from)!);
  return { block, parameters, copy };
}
const sharedLeaves = ['conv.kernel', 'conv.bias', 'x_proj.kernel', 'dt_proj.kernel', 'dt_proj.bias', 'A_log', 'D'];
const halves = (variable: tf.Variable, axis: number) => tf.split(variable, 2, axis);

describe.each([true, false])('BiMamba, own operations %s', (own) => {
  beforeAll(() => useOwnOperations(own));
  afterAll(() => useOwnOperations(true));

  test('without its backward half reads no later frame, without its forward half no earlier one', () => {
    const { block, parameters } = create();
    const projection = parameters.get('proj.kernel')!;
    const [forward, backward] = halves(projection, 0);
    const at = 3;
    const changed = () => {
      const values = seededValues(batch * steps * channels, 1);
      for (let b = 0; b < batch; b++)
        for (let c = 0; c < channels; c++) values[(b * steps + at) * channels + c] += 1 + c;
      return tf.tensor3d(values, [batch, steps, channels]);
    };
    /** Which frames of the output move when one of the input does. */
    const moved = () => {
      const difference = tf.sub(block.forward(changed(), none), block.forward(x(), none));
      return [...tf.max(tf.abs(difference), [0, 2]).dataSync()].map((v) => v > 1e-4);
    };
    projection.assign(tf.concat([forward, tf.zerosLike(backward)], 0));
    expect(moved()).toEqual([false, false, false, true, true, true]);
    projection.assign(tf.concat([tf.zerosLike(forward), backward], 0));
    expect(moved()).toEqual([true, true, true, true, false, false]);
  });

  test('with equal directions turns round with its input', () => {
    const { block, parameters, copy } = create();
    for (const leaf of sharedLeaves) copy(`fwd.${leaf}`, `bwd.${leaf}`);
    const [firstInput] = halves(parameters.get('in_proj.kernel')!, 1);
    parameters.get('in_proj.kernel')!.assign(tf.concat([firstInput, firstInput], 1));
    const [firstOutput] = halves(parameters.get('proj.kernel')!, 0);
    parameters.get('proj.kernel')!.assign(tf.concat([firstOutput, firstOutput], 0));
    const straight = tf.reverse(block.forward(x(), none), 1);
    const turned = block.forward(tf.reverse(x(), 1), none);
    expect(largestDifference(numbersOf(turned), numbersOf(straight))).toBeLessThan(1e-4);
  });

  test('keeps samples apart', () => {
    const { block } = create();
    const values = seededValues(batch * steps * channels, 1);
    const half = values.length / 2;
    const other = values.map((v, i) => (i < half ? v : 2 - v));
    const first = (given: Float32Array) =>
      numbersOf(block.forward(tf.tensor3d(given, [batch, steps, channels]), none)).slice(0, half);
    expect(largestDifference(first(other), first(values))).toBeLessThan(1e-6);
  });

  test('starts with the step sizes, decays and skips of Mamba', () => {
    const scope = ParameterScope.root(seededUniform(3));
    new BiMamba(scope, 64, { ...config, d_state: 8 });
    const values = (name: string) => [...scope.parameters.get(name)!.dataSync()];
    const stepSizes = values('fwd.dt_proj.bias').map((b) => Math.log1p(Math.exp(b)));
    expect(Math.min(...stepSizes)).toBeGreaterThanOrEqual(0.99e-3);
    expect(Math.max(...stepSizes)).toBeLessThanOrEqual(0.101);
    expect(Math.max(...stepSizes) / Math.min(...stepSizes)).toBeGreaterThan(20);
    const decays = values('bwd.A_log').map(Math.exp);
    expect(
      largestDifference(
        decays,
        decays.map((_, i) => 1 + (i % 8)),
      ),
    ).toBeLessThan(1e-5);
    expect(new Set(values('fwd.D'))).toEqual(new Set([1]));
    // Rank ceil(64/16) = 4: weights within ±1/2.
    const projection = values('fwd.dt_proj.kernel').map(Math.abs);
    expect(projection.length).toBe(4 * 128);
    expect(Math.max(...projection)).toBeLessThanOrEqual(0.5);
    expect(Math.max(...projection)).toBeGreaterThan(0.45);
  });

  test('has the parameters of its shapes', () => {
    const { parameters } = create();
    const sizes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape.join('×')]));
    expect(sizes).toMatchObject({
      'in_proj.kernel': '8×32',
      'z_proj.kernel': '8×8',
      'fwd.conv.kernel': '4×1×16×1',
      'fwd.x_proj.kernel': '16×9',
      'bwd.dt_proj.kernel': '1×16',
      'bwd.A_log': '16×4',
      'proj.kernel': '32×8',
    });
    expect(parameters.get('fwd.D')!.shape).toEqual([inner]);
  });
});
