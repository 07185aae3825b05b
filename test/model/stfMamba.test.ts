import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crossErrors } from '../../model/config/crossChecks.js';
import { debug, phaseA, phaseB, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { drawTrainingMasks, lossParts, StfMamba, type TrainingMasks } from '../../model/stfMamba.js';
import { dropPathRates } from '../../model/trainingMasks.js';
import { largestDifference } from './differences.js';
import { groupBy } from './groupBy.js';
import { seededUniform } from './seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const opened: StfMamba[] = [];
afterAll(() => {
  for (const model of opened) model.dispose();
});
function open(config: StfConfig, seed = 1): StfMamba {
  const model = new StfMamba(config, seededUniform(seed));
  opened.push(model);
  return model;
}

const debugA: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const debugB: StfConfig = { ...debugA, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };
const pixels = 4 * 64 * 64 * 3;
/** Real and fake in turn; noise, the fakes flickering less. */
const clipsOf = (batch: number, seed = 5) => {
  const uniform = seededUniform(seed);
  const values = Int32Array.from(
    { length: batch * pixels },
    (_, i) => (Math.floor(i / pixels) % 2 ? 200 : 256) * uniform(),
  );
  return tf.tensor5d(values, [batch, 4, 64, 64, 3], 'int32');
};
const labelsOf = (batch: number) =>
  tf.tensor1d(
    Int32Array.from({ length: batch }, (_, i) => i % 2),
    'int32',
  );
const sumBy = (model: StfMamba, key: (name: string) => string) => {
  const sums: Record<string, number> = {};
  for (const [name, { size }] of model.parameters) sums[key(name)] = (sums[key(name)] ?? 0) + size;
  return sums;
};

describe('parameter counts', () => {
  test('of the published size, part by part', () => {
    const model = open(phaseA());
    expect(sumBy(model, (name) => name.split('.')[0])).toEqual({
      stem: 2_448,
      dwt: 311_809,
      down1: 18_624,
      stage1: 132_080,
      down2: 74_112,
      stage2: 524_512,
      down3: 295_680,
      stage3: 4 * 2_077_824,
      stage4: 2 * 1_183_872,
      head: 1_538,
    });
    expect(model.countParameters()).toBe(12_039_843);
    model.dispose();
  });

  test('of Phase B, part by part, and of what it is without its flags', () => {
    const model = new StfMamba(phaseB(), () => 0.5);
    const sums = sumBy(model, (name) => name.split('.')[0].replace(/^(lateral|trans)\d$/, '$1'));
    expect(sums).toEqual({
      stem: 2_448,
      dwt: 311_809,
      down1: 18_624,
      stage1: 132_080,
      down2: 74_112,
      stage2: 524_512,
      down3: 295_680,
      wss: 442_136,
      adaptive: 1,
      lateral: 195_552,
      trans: 92_160,
      temporal1: 490_372,
      temporal2: 1_833_736,
      temporal3: 7_091_728,
      temporal4: 7_091_728,
      head: 1_538,
    });
    expect(model.countParameters()).toBe(18_598_216);
    model.dispose();
    const count = (change: Partial<StfConfig>) => {
      const smaller = new StfMamba({ ...phaseB(), use_adaptive_sdim: false, ...change }, () => 0.5);
      const total = smaller.countParameters();
      smaller.dispose();
      return total;
    };
    expect(count({})).toBe(18_319_687);
    expect(count({ use_wss: false })).toBe(17_877_551);
    expect(count({ use_wss: false, use_mamer: false })).toBe(13_743_569);
  });

  test('of the debug size, equal in baseline and Phase A', () => {
    expect(open(debug()).countParameters()).toBe(471_803);
    expect(open(debugA).countParameters()).toBe(471_803);
    expect(open(debugB).countParameters()).toBe(2_272_480);
  });

  test('a wider fourth stage adds one linear layer', () => {
    const model = open({ ...debug(), stage4_dim: 64 });
    expect([...model.parameters.keys()].filter((name) => name.startsWith('stage34'))).toEqual([
      'stage34.kernel',
      'stage34.bias',
    ]);
    expect(model.parameters.get('stage34.kernel')!.shape).toEqual([128, 64]);
    expect(model.forward(clipsOf(1)).logits.shape).toEqual([1, 2]);
  });
});

describe('parameters', () => {
  test('carry the published names and shapes', () => {
    const { parameters } = open(debug());
    const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toMatchObject({
      'stem.conv.kernel': [4, 4, 3, 16],
      'stem.norm.gamma': [16],
      'dwt.proj.kernel': [16, 16],
      'dwt.hll.kernel': [3, 3, 48, 16],
      'dwt.tmp.kernel': [3, 3, 48, 16],
      'dwt.alpha_logit': [],
      'dwt.gate3.tmp.bias': [128],
      'down2.conv.kernel': [2, 2, 32, 64],
      'stage1.0.offset.kernel': [3, 3, 8, 16],
      'stage2.0.offset.kernel': [3, 3, 16, 32],
      'stage1.0.tap_x.kernel': [72, 8],
      'stage2.0.norm_mid.beta': [48],
      'stage2.0.expand.kernel': [48, 64],
      'stage1.0.ffn1.kernel': [32, 64],
      'stage3.0.bwd.x_proj.kernel': [256, 16],
      'stage3.0.fwd.conv.kernel': [4, 1, 256, 1],
      'stage4.0.attn.qkv.kernel': [128, 384],
      'head.fc.bias': [2],
    });
    expect(parameters.size).toBe(114);
    expect([...parameters.keys()][0]).toBe('stem.conv.kernel');
    expect([...parameters.keys()].at(-1)).toBe('head.fc.bias');
  });

  test('are the same for the same draws, and the zeros of the method are zero', () => {
    const [one, same, other] = [open(debug(), 3), open(debug(), 3), open(debug(), 4)];
    const values = (model: StfMamba, name: string) => model.parameters.get(name)!.dataSync();
    for (const name of one.parameters.keys()) expect(values(same, name), name).toEqual(values(one, name));
    expect(values(other, 'head.fc.kernel')).not.toEqual(values(one, 'head.fc.kernel'));
    for (const name of [
      'stage1.0.offset.kernel',
      'stage2.0.offset.bias',
      'dwt.gate1.hll.kernel',
      'dwt.gate2.tmp.bias',
    ]) {
      expect(Math.max(...values(one, name).map(Math.abs)), name).toBe(0);
    }
    expect(values(one, 'dwt.alpha_logit')[0]).toBeCloseTo(0.8472979, 6);
  });
});

describe('forward', () => {
  test('gives logits and energies of every clip, the ratio within [0,1]', () => {
    const output = open(debugA).forward(clipsOf(3));
    expect([output.logits.shape, output.hllEnergy.shape, output.allBandEnergy.shape]).toEqual([[3, 2], [3], [3]]);
    for (const tensor of Object.values(output)) expect([...tensor.dataSync()].every(Number.isFinite)).toBe(true);
    const all = output.allBandEnergy.dataSync();
    for (const [i, hll] of output.hllEnergy.dataSync().entries()) {
      expect(hll).toBeGreaterThan(0);
      expect(hll / Math.sqrt(all[i])).toBeLessThan(1);
    }
  });

  test('treats clips one by one, whatever their company', () => {
    const model = open(debugA);
    const clips = clipsOf(4);
    const together = model.forward(clips);
    for (let i = 0; i < 4; i++) {
      const alone = model.forward(tf.slice(clips, [i, 0, 0, 0, 0], [1, -1, -1, -1, -1]));
      expect(
        largestDifference(alone.logits.dataSync(), together.logits.dataSync().slice(2 * i, 2 * i + 2)),
      ).toBeLessThan(1e-5);
      expect(Math.abs(alone.hllEnergy.dataSync()[0] - together.hllEnergy.dataSync()[i])).toBeLessThan(1e-5);
    }
  });

  test('takes integers and floats alike', () => {
    const model = open(debugA);
    const clips = clipsOf(1);
    expect(model.forward(tf.cast(clips, 'float32')).logits.dataSync()).toEqual(model.forward(clips).logits.dataSync());
  });

  test('works with several segments and with a periodic transform', () => {
    const segmented: StfConfig = { ...debugA, num_frames: 8, num_segments: 2, dwt_boundary: 'periodization' };
    const logits = open(segmented)
      .forward(tf.reshape(clipsOf(2), [1, 8, 64, 64, 3]))
      .logits.dataSync();
    expect([...logits].every(Number.isFinite)).toBe(true);
  });

  test('refuses other shapes by name', () => {
    const model = open(debug());
    expect(() => model.forward(tf.zeros([1, 4, 32, 64, 3]))).toThrow(
      'Expected shape [1,4,64,64,3] for clips but received [1,4,32,64,3]',
    );
    const masks: TrainingMasks = { dropPath: tf.ones([8, 2]), dropout: tf.ones([2, 128]) };
    expect(() => model.forward(clipsOf(1), masks)).toThrow('for masks.dropPath but received [8,2]');
  });

  test('leaves nothing behind but its output', () => {
    const model = open(debugA);
    const clips = clipsOf(1);
    tf.dispose(Object.values(model.forward(clips)));
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) tf.dispose(Object.values(model.forward(clips)));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the head for single frames', () => {
  const inTraining = (config: StfConfig) => drawTrainingMasks(config, 2, seededUniform(4));

  test.each([
    ['Phase A', debugA],
    ['Phase B', debugB],
  ])('%s: is there with its loss alone, and moves neither the other first weights nor any score', (_, config) => {
    const [plain, model] = [open(config), open({ ...config, frame_loss_weight: 0.5 })];
    const added = [...model.parameters.keys()].filter((name) => !plain.parameters.has(name));
    expect(added.every((name) => name.startsWith('frame_head.'))).toBe(true);
    expect(model.countParameters() - plain.countParameters()).toBe(2 * 128 + 128 * 2 + 2); // a norm and a linear layer
    for (const [name, value] of plain.parameters)
      expect(largestDifference(model.parameters.get(name)!.dataSync(), value.dataSync()), name).toBe(0);
    const clips = clipsOf(2);
    const trained = model.forward(clips, inTraining(config));
    expect(trained.frameLogits!.shape).toEqual([2, 4, 2]);
    expect(trained.logits.dataSync()).toEqual(plain.forward(clips, inTraining(config)).logits.dataSync());
    expect(plain.forward(clips, inTraining(config)).frameLogits).toBeUndefined();
    expect(model.forward(clips).frameLogits).toBeUndefined();
  });

  test('its loss reaches the trunk and nothing behind it', () => {
    const config = { ...debugA, frame_loss_weight: 0.5 };
    const model = open(config);
    // Its linear layer may begin with zeros, through which nothing would pass.
    const kernel = model.parameters.get('frame_head.fc.kernel')!;
    kernel.assign(tf.randomNormal(kernel.shape, 0, 1, 'float32', 3));
    const variables = ['stem.conv.kernel', 'frame_head.fc.kernel', 'head.fc.kernel'].map(
      (name) => model.parameters.get(name)!,
    );
    const { grads } = tf.variableGrads(
      () => lossParts(model.forward(clipsOf(2), inTraining(config)), labelsOf(2), config).frame,
      variables,
    );
    const largest = variables.map(({ name }) => (grads[name] ? Math.max(...grads[name].dataSync().map(Math.abs)) : 0));
    expect(largest[0]).toBeGreaterThan(0);
    expect(largest[1]).toBeGreaterThan(0);
    expect(largest[2]).toBe(0);
  });
});

describe('training masks', () => {
  const config: StfConfig = { ...debugA, drop_path: 0.4, dropout: 0.3 };

  test('drop rates rise linearly from 0 to the maximum over all residual branches', () => {
    expect(dropPathRates(config)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => (0.4 * i) / 7));
    expect(dropPathRates({ ...phaseA() })).toHaveLength(2 * (2 + 2 + 4 + 2));
    // Four stages of three PN blocks (one branch each) and a Mamer block (two); without Mamer 2 + 2 + 4 + 2 PN blocks.
    expect(dropPathRates(phaseB())).toHaveLength(2 * (2 + 2) + 4 * (3 + 2));
    expect(dropPathRates({ ...phaseB(), use_mamer: false })).toHaveLength(2 * (2 + 2) + 10);
  });

  test('hold 0 or 1/(1−p) with the right frequency, the same for the same draws', () => {
    const { dropPath, dropout } = drawTrainingMasks(config, 2000, seededUniform(9));
    expect([dropPath.shape, dropout.shape]).toEqual([
      [8, 2000],
      [2000, 128],
    ]);
    const last = [...tf.slice(dropPath, [7, 0], [1, -1]).dataSync()];
    expect(new Set(last)).toEqual(new Set([0, Math.fround(1 / 0.6)]));
    expect(last.filter((v) => v === 0).length / 2000).toBeCloseTo(0.4, 1);
    expect(new Set(tf.slice(dropPath, [0, 0], [1, -1]).dataSync())).toEqual(new Set([1]));
    expect(tf.mean(dropout).dataSync()[0]).toBeCloseTo(1, 2);
    const again = drawTrainingMasks(config, 2000, seededUniform(9));
    expect(again.dropout.dataSync()).toEqual(dropout.dataSync());
  });

  test('of ones change nothing, of zeros cut every branch that may drop', () => {
    const model = open(config);
    const clips = clipsOf(2);
    const ones: TrainingMasks = { dropPath: tf.ones([8, 2]), dropout: tf.ones([2, 128]) };
    const plain = model.forward(clips).logits.dataSync();
    expect(model.forward(clips, ones).logits.dataSync()).toEqual(plain);
    // Nothing but the classifier's bias is left of a head whose inputs are all dropped.
    const bias = model.parameters.get('head.fc.bias')!;
    bias.assign(tf.tensor1d([0.5, -0.25]));
    const deaf = { ...ones, dropout: tf.zeros([2, 128]) as tf.Tensor2D };
    expect([...model.forward(clips, deaf).logits.dataSync()]).toEqual([0.5, -0.25, 0.5, -0.25]);
    bias.assign(tf.zerosLike(bias));
    const cut = { ...ones, dropPath: tf.zeros([8, 2]) as tf.Tensor2D };
    const without = model.forward(clips, cut).logits.dataSync();
    expect(largestDifference(without, plain)).toBeGreaterThan(1e-4);
    // With the branches of stages 2 to 4 cut, their parameters cannot matter.
    const kernel = model.parameters.get('stage3.0.proj.kernel')!;
    kernel.assign(tf.mul(kernel, 30));
    expect(model.forward(clips, cut).logits.dataSync()).toEqual(without);
    expect(model.forward(clips, ones).logits.dataSync()).not.toEqual(plain);
  });
});

describe('flags', () => {
  const names = [
    'use_contrastive_hll',
    'use_compression_aug',
    'use_multiscale_drift',
    'use_hll_normalization',
    'use_hydra',
    'use_mamer',
    'use_wss',
    'use_adaptive_sdim',
  ] as const;
  const combinations = Array.from(
    { length: 2 ** names.length },
    (_, bits): StfConfig => ({
      ...debug(),
      ...Object.fromEntries(names.map((name, i) => [name, ((bits >> i) & 1) === 1])),
    }),
  );
  const valid = combinations.filter((config) => crossErrors(config).length === 0);
  /** What the flags change about the network; the others change data and loss. */
  const networkOf = (config: StfConfig) =>
    ['use_hydra', 'use_mamer', 'use_wss', 'use_adaptive_sdim']
      .filter((name) => config[name as 'use_hydra'])
      .join(' ') || 'V7.3';
  const networks = groupBy(valid, networkOf);

  test('validate unless Mamer or adaptation lacks Hydra', () => {
    expect(valid).toHaveLength(16 * (2 + 8));
    expect(networks.size).toBe(10);
  });

  test.each([...networks.keys()])('%s: shapes, finite losses in every mode, gradients within two steps', (network) => {
    const [first, ...others] = networks.get(network)!;
    const model = open(first);
    const [clips, labels] = [clipsOf(2), labelsOf(2)];
    const output = model.forward(clips);
    expect([output.logits.shape, output.hllEnergy.shape, output.allBandEnergy.shape]).toEqual([[2, 2], [2], [2]]);
    for (const config of [first, ...others]) {
      for (const [name, value] of Object.entries(lossParts(output, labels, config))) {
        expect(Number.isFinite(value.dataSync()[0]), name).toBe(true);
      }
    }
    // The wavelet branch has a gradient from the flicker loss too, which has one form for each value of its flag.
    const contrastive = others.find(({ use_contrastive_hll }) => use_contrastive_hll)!;
    expect(first.use_contrastive_hll).toBe(false);
    const silent = new Set(model.parameters.keys());
    for (const config of [first, contrastive, first, contrastive]) {
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => lossParts(model.forward(clips), labels, config).total);
        for (const [name, variable] of model.parameters) {
          const gradient = grads[variable.name];
          const size = tf.sum(tf.abs(gradient)).dataSync()[0];
          expect(Number.isFinite(size), name).toBe(true);
          if (size > 0) silent.delete(name);
          variable.assign(tf.sub(variable, tf.mul(tf.sign(gradient), 1e-3)));
        }
      });
    }
    // Two coefficient frames leave no product of decays between a step and the shifted next one.
    const exceptions = first.use_wss ? ['wss.a_hydra.A_log', 'wss.b_hydra.A_log'] : [];
    expect([...silent].sort()).toEqual(exceptions);
    model.dispose();
  });

  test.each([...networks.keys()])('%s: as many drop-path rates as branches that ask for a mask', (network) => {
    const [config] = networks.get(network)!;
    const model = open({ ...config, stage1_blocks: 2, stage4_blocks: 2, drop_path: 0.1 });
    const branches = dropPathRates({ ...config, stage1_blocks: 2, stage4_blocks: 2 }).length;
    const masks = (rows: number): TrainingMasks => ({ dropPath: tf.ones([rows, 1]), dropout: tf.ones([1, 128]) });
    const clips = clipsOf(1);
    const plain = model.forward(clips).logits.dataSync();
    expect(model.forward(clips, masks(branches)).logits.dataSync()).toEqual(plain);
    expect(() => model.forward(clips, masks(branches + 1))).toThrow('for masks.dropPath');
    // The last branch is the last block's: of ones but for its row, the masks must cut something.
    const rows = Array.from({ length: branches }, (_, i) => [i === branches - 1 ? 0 : 1]);
    const cut = { ...masks(branches), dropPath: tf.tensor2d(rows) };
    expect(largestDifference(model.forward(clips, cut).logits.dataSync(), plain)).toBeGreaterThan(1e-6);
    model.dispose();
  });
});
