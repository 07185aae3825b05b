import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import type { BranchMask } from '../../../model/layers/residual.js';
import { Attention } from '../../../model/temporal/attention.js';
import { ChannelMixer } from '../../../model/temporal/channelMixer.js';
import { Hydra } from '../../../model/temporal/hydra.js';
import { MamerBlock } from '../../../model/temporal/mamerBlock.js';
import { PnBlock } from '../../../model/temporal/pnBlock.js';
import { PnStage } from '../../../model/temporal/pnStage.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { stirredScope } from './stirredScope.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

const config: StfConfig = { ...debug(), hydra_headdim: 4, num_heads: 2, use_hydra: true };
const [batch, steps, channels, states] = [2, 5, 8, 3];
const input = () => tf.tensor3d(seededValues(batch * steps * channels, 1), [batch, steps, channels]);
const none = () => undefined;

/** Layer normalisation by its definition, with γ = 1 and β = 0. */
function normalised(x: tf.Tensor3D): tf.Tensor3D {
  const { mean, variance } = tf.moments(x, 2, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-6)));
}
/** The same parameters in a part of its own. */
function copyInto(from: ReadonlyMap<string, tf.Variable>, prefix: string, to: ReadonlyMap<string, tf.Variable>) {
  for (const [name, variable] of to) variable.assign(from.get(prefix + name)!);
}

function createPn() {
  const made = stirredScope();
  const block = new PnBlock(made.scope, channels, states, config, constants);
  made.stir();
  made.set(/norm\.gamma$/, 1);
  made.set(/^norm\.beta$/, 0);
  return { ...made, block };
}

describe('ChannelMixer', () => {
  test('equals its definition frame by frame', () => {
    const made = stirredScope();
    const mixer = new ChannelMixer(made.scope, 2, 1.5);
    made.stir();
    const p = (name: string) => [...made.parameters.get(name)!.dataSync()];
    const [gate, value, output] = [p('wg.kernel'), p('wv.kernel'), p('wo.kernel')];
    const x = [0.5, -0.8];
    const hidden = [0, 1, 2].map((j) => {
      const g = x[0] * gate[j] + x[1] * gate[3 + j];
      return (g / (1 + Math.exp(-g))) * (x[0] * value[j] + x[1] * value[3 + j]);
    });
    const want = [0, 1].map((c) => hidden.reduce((sum, h, j) => sum + h * output[2 * j + c], 0));
    expect(largestDifference(numbersOf(mixer.forward(tf.tensor3d(x, [1, 1, 2]))), want)).toBeLessThan(1e-6);
    expect([...made.parameters.keys()]).toEqual(['wg.kernel', 'wv.kernel', 'wo.kernel']);
  });
});

describe('PnBlock', () => {
  test('with its gate wide open is Hydra on normalised tokens, added', () => {
    const { block, parameters, set } = createPn();
    set(/^gate$/, 40);
    const alone = stirredScope();
    const hydra = new Hydra(alone.scope, channels, states, config, constants);
    copyInto(parameters, 'hydra.', alone.parameters);
    const allowance = tf.tensor2d(seededValues(batch * states, 3), [batch, states]);
    const want = tf.add(input(), hydra.forward(normalised(input()), allowance));
    expect(largestDifference(numbersOf(block.forward(input(), [undefined], allowance)), numbersOf(want))).toBeLessThan(
      1e-5,
    );
  });

  test('with its gate shut sees each frame by itself', () => {
    const { block, parameters, set } = createPn();
    set(/^gate$/, -40);
    const alone = stirredScope();
    const mixer = new ChannelMixer(alone.scope, channels, config.mlp_ratio);
    copyInto(parameters, 'cm.', alone.parameters);
    const want = tf.add(input(), mixer.forward(normalised(input())));
    const got = block.forward(input(), [undefined]);
    expect(largestDifference(numbersOf(got), numbersOf(want))).toBeLessThan(1e-5);
    const order = tf.tensor1d([3, 0, 4, 1, 2], 'int32');
    const permuted = block.forward(tf.gather(input(), order, 1), [undefined]);
    const straight = tf.gather(block.forward(input(), [undefined]), order, 1);
    expect(largestDifference(numbersOf(permuted), numbersOf(straight))).toBeLessThan(1e-5);
  });

  test('weighs the paths channel by channel in between, and drops both together', () => {
    const { block, parameters, set } = createPn();
    const at = (gate: number) => {
      set(/^gate$/, gate);
      return numbersOf(block.forward(input(), [undefined]));
    };
    const [open, shut] = [at(40), at(-40)];
    const logits = Array.from(seededValues(channels, 8), (v) => 2 * v);
    parameters.get('gate')!.assign(tf.tensor1d(logits));
    const want = open.map((v, i) => {
      const g = 1 / (1 + Math.exp(-logits[i % channels]));
      return g * v + (1 - g) * shut[i];
    });
    expect(largestDifference(numbersOf(block.forward(input(), [undefined])), want)).toBeLessThan(1e-5);
    const x = input().dataSync();
    const dropped = block.forward(input(), [tf.tensor1d([0, 2])]);
    const half = x.length / 2;
    const scaled = want.map((v, i) => (i < half ? x[i] : x[i] + 2 * (v - x[i])));
    expect(largestDifference(numbersOf(dropped), scaled)).toBeLessThan(1e-5);
  });
});

describe('MamerBlock', () => {
  test('is Hydra, then attention, each on normalised tokens and added', () => {
    const made = stirredScope();
    const block = new MamerBlock(made.scope, channels, states, config, constants);
    made.stir();
    made.set(/norm\d\.gamma$/, 1);
    made.set(/norm\d\.beta$/, 0);
    const [forHydra, forAttention] = [stirredScope(), stirredScope()];
    const hydra = new Hydra(forHydra.scope, channels, states, config, constants);
    const attention = new Attention(forAttention.scope, channels, config.num_heads);
    copyInto(made.parameters, 'hydra.', forHydra.parameters);
    copyInto(made.parameters, 'attn.', forAttention.parameters);
    const allowance = tf.tensor2d(seededValues(batch * states, 3), [batch, states]);
    const expected = (masks: [number, number]) => {
      const scanned = tf.mul(hydra.forward(normalised(input()), allowance), masks[0]);
      const h = tf.add(input(), scanned) as tf.Tensor3D;
      return numbersOf(tf.add(h, tf.mul(attention.forward(normalised(h)), masks[1])));
    };
    const got = (masks: [BranchMask, BranchMask]) => numbersOf(block.forward(input(), masks, allowance));
    expect(largestDifference(got([undefined, undefined]), expected([1, 1]))).toBeLessThan(2e-5);
    const both = (value: number) => tf.fill([batch], value) as tf.Tensor1D;
    expect(largestDifference(got([both(0), both(2)]), expected([0, 2]))).toBeLessThan(2e-5);
    expect(largestDifference(got([both(2), both(0)]), expected([2, 0]))).toBeLessThan(2e-5);
  });
});

describe('PnStage', () => {
  const create = (change: Partial<StfConfig>, blocks = 2) => {
    const made = stirredScope();
    const stage = new PnStage(made.scope, channels, blocks, { ...config, ...change }, constants);
    made.stir();
    const parts = new Set([...made.parameters.keys()].map((name) => name.match(/^(pn\.\d+|mamer)/)![1]));
    return { ...made, stage, parts: [...parts] };
  };

  test('has its own number of PN blocks, or three and a Mamer block', () => {
    expect(create({}).parts).toEqual(['pn.0', 'pn.1']);
    expect(create({ use_mamer: true }).parts).toEqual(['pn.0', 'pn.1', 'pn.2', 'mamer']);
  });

  test('asks for one mask a PN block and two for Mamer', () => {
    for (const [change, want] of [
      [{}, 2],
      [{ use_mamer: true }, 5],
    ] as const) {
      let asked = 0;
      create(change).stage.forward(input(), () => void asked++ as undefined);
      expect(asked).toBe(want);
    }
  });

  test('with all output projections zero passes its input through', () => {
    const { stage, set } = create({ use_mamer: true });
    set(/(out_proj|wo|attn\.proj)\./, 0);
    expect(numbersOf(stage.forward(input(), none))).toEqual([...input().dataSync()]);
  });

  test('gives twice as many states to choose from when they adapt, and hands the allowance to every block', () => {
    const { stage, parameters, parts } = create({ use_mamer: true, use_adaptive_sdim: true });
    expect(parameters.get('pn.0.hydra.conv.bias')!.shape).toEqual([2 * channels + 4 * 2 * config.d_state]);
    const allowed = (value: number) =>
      numbersOf(stage.forward(input(), none, tf.fill([batch, 2 * config.d_state], value) as tf.Tensor2D));
    for (const part of parts) {
      // Without D, fc_D nothing but the states mixes; with one part's output alone the allowance must show there.
      const outputs = [...parameters].filter(([name]) => /(out_proj|wo|attn\.proj)\./.test(name));
      const kept = outputs.map(([, variable]) => tf.clone(variable as tf.Tensor));
      for (const [name, variable] of outputs) if (!name.startsWith(part)) variable.assign(tf.zerosLike(variable));
      expect(largestDifference(allowed(1), allowed(0)), part).toBeGreaterThan(1e-3);
      outputs.forEach(([, variable], i) => {
        variable.assign(kept[i]);
      });
    }
  });
});
