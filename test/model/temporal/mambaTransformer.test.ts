import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { ParameterScope } from '../../../model/layers/parameterScope.js';
import type { BranchMask } from '../../../model/layers/residual.js';
import { BiMamba } from '../../../model/temporal/biMamba.js';
import { MambaTransformer } from '../../../model/temporal/mambaTransformer.js';
import { TransformerBlock } from '../../../model/temporal/transformerBlock.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { stirredScope } from './stirredScope.js';

beforeAll(async () => {
  await startEngine();
});

const [batch, steps] = [2, 4];
const config: StfConfig = {
  ...debug(),
  stage3_dim: 8,
  stage4_dim: 12,
  stage3_blocks: 2,
  stage4_blocks: 3,
  d_state: 4,
  num_heads: 2,
};
const input = () => tf.tensor3d(seededValues(batch * steps * config.stage3_dim, 1), [batch, steps, config.stage3_dim]);

function create(change: Partial<StfConfig> = {}) {
  const made = stirredScope();
  const temporal = new MambaTransformer(made.scope, { ...config, ...change });
  made.stir();
  return { ...made, temporal };
}

/** A block by itself with the weights that the whole has for it. */
function alone<Block>(
  whole: ReadonlyMap<string, tf.Variable>,
  prefix: string,
  build: (scope: ReturnType<typeof stirredScope>['scope']) => Block,
): Block {
  const { scope, parameters } = stirredScope();
  const block = build(scope);
  for (const [name, variable] of parameters) variable.assign(whole.get(`${prefix}.${name}`)!);
  return block;
}

describe.each([
  ['BiMamba', /^proj\./, (scope: ParameterScope) => new BiMamba(scope, 8, config)],
  ['TransformerBlock', /^attn\.proj\./, (scope: ParameterScope) => new TransformerBlock(scope, 8, config)],
])('%s', (_, lastOfMixer, build) => {
  test('each of its two branches has its own mask', () => {
    const create = (silent?: RegExp) => {
      const { scope, stir, set } = stirredScope();
      const block = build(scope);
      stir();
      if (silent) set(silent, 0);
      return block;
    };
    const none: [BranchMask, BranchMask] = [undefined, undefined];
    const [on, off] = [tf.ones([batch]), tf.zeros([batch])] as [tf.Tensor1D, tf.Tensor1D];
    const mixed = numbersOf(create().forward(input(), [on, off]));
    const fed = numbersOf(create().forward(input(), [off, on]));
    // A branch whose last layer is zero is as good as dropped.
    expect(largestDifference(mixed, numbersOf(create(/^ffn2\./).forward(input(), none)))).toBeLessThan(1e-6);
    expect(largestDifference(fed, numbersOf(create(lastOfMixer).forward(input(), none)))).toBeLessThan(1e-6);
    for (const branch of [mixed, fed]) expect(largestDifference(branch, numbersOf(input()))).toBeGreaterThan(1e-2);
    expect(largestDifference(mixed, fed)).toBeGreaterThan(1e-2);
  });
});

describe('MambaTransformer', () => {
  test('is its Bi-Mamba blocks, a linear layer and its transformer blocks, one after the other', () => {
    const { temporal, parameters } = create();
    // Each branch weighs something else, so that the masks' order shows too.
    const factors = Array.from({ length: 2 * (2 + 3) }, (_, i) => 0.4 + 0.2 * i);
    const mask = (i: number) => tf.fill([batch], factors[i]!) as tf.Tensor1D;
    const pair = (i: number): [BranchMask, BranchMask] => [mask(2 * i), mask(2 * i + 1)];
    let tokens = input();
    for (const j of [0, 1]) {
      const block = alone(parameters, `stage3.${j}`, (scope) => new BiMamba(scope, config.stage3_dim, config));
      tokens = block.forward(tokens, pair(j));
    }
    const [kernel, bias] = ['kernel', 'bias'].map((leaf) => parameters.get(`stage34.${leaf}`)!);
    const rows = tf.reshape(tokens, [batch * steps, config.stage3_dim]) as tf.Tensor2D;
    const wide = tf.add(tf.matMul(rows, kernel as tf.Tensor as tf.Tensor2D), bias!);
    tokens = tf.reshape(wide, [batch, steps, config.stage4_dim]);
    for (const j of [0, 1, 2]) {
      const block = alone(parameters, `stage4.${j}`, (scope) => new TransformerBlock(scope, config.stage4_dim, config));
      tokens = block.forward(tokens, pair(2 + j));
    }
    let asked = 0;
    const got = temporal.forward(input(), () => mask(asked++));
    expect(asked).toBe(factors.length);
    expect(largestDifference(numbersOf(got), numbersOf(tokens))).toBeLessThan(1e-5);
  });

  test('has no linear layer between stages of one width', () => {
    const { temporal, parameters } = create({ stage4_dim: config.stage3_dim });
    expect([...parameters.keys()].some((name) => name.startsWith('stage34'))).toBe(false);
    expect(temporal.forward(input(), () => undefined).shape).toEqual([batch, steps, config.stage3_dim]);
  });
});
