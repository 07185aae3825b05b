import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { baseline, debug, phaseB, resolveConfig, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { isRunningStatistic } from '../../model/layers/batchNorm.js';
import { ConstantCache } from '../../model/layers/constantCache.js';
import { ParameterScope } from '../../model/layers/parameterScope.js';
import { StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';
import { dropPathRates } from '../../model/trainingMasks.js';
import { Trunk } from '../../model/trunk/trunk.js';
import { largestDifference } from './differences.js';
import { seededUniform } from './seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const opened: StfMamba[] = [];
afterAll(() => {
  for (const model of opened) model.dispose();
});
function open(config: StfConfig): StfMamba {
  const model = new StfMamba(config, seededUniform(1));
  opened.push(model);
  return model;
}

const convNext: StfConfig = { ...debug(), spatial_backbone: 'convnextv2', convnext_variant: 'atto', lr: 1e-3 };
const efficientNet: StfConfig = {
  ...debug(),
  spatial_backbone: 'efficientnet_lite0',
  backbone_weights: 'none',
  lr: 1e-3,
};
const v8 = { use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };
const pixels = 4 * 64 * 64 * 3;
const batch = (seed: number) => {
  const uniform = seededUniform(seed);
  return { clips: Uint8Array.from({ length: 2 * pixels }, () => 256 * uniform()), labels: Int32Array.of(0, 1) };
};
const snapshot = (model: StfMamba) => new Map([...model.parameters].map(([name, v]) => [name, v.dataSync().slice()]));
/** Names of the parameters that `steps` of training leave exactly as they are. */
function unmoved(model: StfMamba, config: StfConfig, steps = 2): string[] {
  const before = snapshot(model);
  const trainer = new Trainer(
    model,
    // Two steps are not worth a recording.
    { ...config, weight_decay: 0, warmup_epochs: 0, engine: { ...config.engine, step: 'eager' } },
    { stepsPerEpoch: 1, totalSteps: 9 },
  );
  for (let step = 0; step < steps; step++) {
    trainer.accumulate(batch(step), seededUniform(step + 5));
    expect(trainer.apply(step).skipped).toBe(false);
  }
  trainer.dispose();
  return [...snapshot(model)]
    .filter(([name, values]) => values.every((value, i) => value === before.get(name)![i]))
    .map(([name]) => name);
}

describe('parameter counts with ConvNeXt V2', () => {
  test.each([
    ['atto', 14_950_195, 21_352_184],
    ['femto', 16_645_827, 23_055_592],
    ['pico', 20_923_171, 27_348_488],
    ['nano', 28_061_955, 34_502_824],
    ['tiny', 41_791_875, 48_248_296],
  ] as const)('%s, V7.3 and V8', (variant, before, now) => {
    const counts = [baseline(), phaseB()].map((config) => {
      const chosen: StfConfig = { ...config, spatial_backbone: 'convnextv2', convnext_variant: variant };
      const model = new StfMamba(chosen, () => 0.5);
      const count = model.countParameters();
      model.dispose();
      return count;
    });
    expect(counts).toEqual([before, now]);
  });
});

describe.each([
  ['ConvNeXt V2 Atto', convNext, 12],
  ['EfficientNet-Lite0', efficientNet, 9],
])('%s', (_, base, branches) => {
  test.each([
    ['V7.3', {}],
    ['V8', v8],
  ])('%s: all of the trunk learns within two steps', (_, features) => {
    const config = { ...base, ...features };
    const model = open(config);
    const still = unmoved(model, config).filter((name) => !isRunningStatistic(name));
    // What comes after the trunk is the same with every backbone and tested there.
    expect(still.filter((name) => /^(backbone|dwt|stage[12]|tokens|lateral\d)\./.test(name))).toEqual([]);
    expect([...model.parameters.keys()].filter((name) => !model.trainable.has(name)).every(isRunningStatistic)).toBe(
      true,
    );
  });

  test('asks for one mask a residual branch', () => {
    const scope = ParameterScope.root(seededUniform(1));
    const constants = new ConstantCache();
    const trunk = new Trunk(scope, base, constants);
    let asked = 0;
    const mode = { nextMask: () => void asked++ as undefined, training: true };
    const grid = { batch: 1, frames: 4, height: 64, width: 64, segments: 1 };
    tf.tidy(() => trunk.forward(tf.zeros([4, 64, 64, 3]), grid, mode));
    const native: StfConfig = { ...base, spatial_backbone: 'v73' };
    expect(dropPathRates(base).length - dropPathRates(native).length).toBe(asked - 2 * 2);
    expect(asked).toBe(2 * 2 + branches);
    tf.dispose([...scope.parameters.values()]);
    constants.dispose();
  });

  test('loaded stages stay as they are, the rest learns, and nothing is left behind', () => {
    const config = { ...base, backbone_weights: 'somewhere.pt', backbone_freeze_stages: 2 };
    const model = open(config);
    const frozen = [...model.parameters.keys()].filter(
      (name) => !model.trainable.has(name) && !isRunningStatistic(name),
    );
    const expected =
      base === convNext ? /^backbone\.(stem|stages\.[01])\./ : /^backbone\.(conv_stem|bn1|blocks\.[012])\./; // groups 0 and 1 lead to f0, group 2 to f1
    expect(frozen).toEqual(
      [...model.parameters.keys()].filter((name) => expected.test(name) && !isRunningStatistic(name)),
    );
    expect(frozen.length).toBeGreaterThan(20);
    expect(unmoved(model, config).filter((name) => !isRunningStatistic(name))).toEqual(frozen);
    const held = tf.memory().numTensors;
    unmoved(model, config, 1);
    expect(tf.memory().numTensors).toBe(held);
  });

  test('one stage frozen: the next one learns', () => {
    const config = { ...base, backbone_weights: 'somewhere.pt', backbone_freeze_stages: 1 };
    const model = open(config);
    const fixed = [...model.parameters.keys()].filter((name) => !model.trainable.has(name));
    expect(fixed.length).toBeGreaterThan(10);
    expect(unmoved(model, config).sort()).toEqual(fixed.sort());
  });

  test('all stages frozen: the gradient flows through them to what is trained', () => {
    const config = { ...base, backbone_weights: 'somewhere.pt', backbone_freeze_stages: 4 };
    const model = open(config);
    const frozen = [...model.parameters.keys()].filter((name) => !model.trainable.has(name));
    expect(unmoved(model, config).sort()).toEqual(frozen.sort());
    expect(frozen.length).toBeGreaterThan(100);
  });
});

test('frozen stages give what trained ones would', () => {
  const free = open(convNext);
  const fixed = open({ ...convNext, backbone_weights: 'somewhere.pt', backbone_freeze_stages: 3 });
  const clips = tf.tensor5d(Int32Array.from(batch(3).clips), [2, 4, 64, 64, 3], 'int32');
  const [a, b] = [free, fixed].map((model) => [...tf.tidy(() => model.forward(clips).logits).dataSync()]);
  expect(a).toEqual(b);
});

test('V7.3 adds what the wavelet-selective scan finds to the tokens', () => {
  const model = open({ ...convNext, use_wss: true });
  const clips = tf.tensor5d(Int32Array.from(batch(3).clips), [2, 4, 64, 64, 3], 'int32');
  const logits = () => [...tf.tidy(() => model.forward(clips).logits).dataSync()];
  const plain = logits();
  /** With `fuse` at its zero start its bias is all that the scan adds. */
  const shifted = (name: string) => {
    const bias = model.parameters.get(name)!;
    const uniform = seededUniform(4);
    const values = Float32Array.from({ length: bias.size }, () => 2 * uniform() - 1);
    bias.assign(tf.tensor(values, bias.shape));
    const found = logits();
    bias.assign(tf.zerosLike(bias));
    return found;
  };
  const found = shifted('wss.fuse.bias');
  expect(largestDifference(found, plain)).toBeGreaterThan(1e-3);
  expect(largestDifference(found, shifted('tokens.fc.bias'))).toBeLessThan(1e-5);
});

describe('batch norms of EfficientNet-Lite0', () => {
  const statistics = (model: StfMamba) => [...model.parameters.keys()].filter(isRunningStatistic);

  test('keep their statistics while training, unless asked to follow the batches', () => {
    const still = open(efficientNet);
    expect(unmoved(still, efficientNet).filter(isRunningStatistic)).toEqual(statistics(still));
    const config: StfConfig = { ...efficientNet, backbone_batch_norm: 'train' };
    const moving = open(config);
    expect(unmoved(moving, config)).toEqual([]);
  });

  test('those of frozen stages never follow', () => {
    const config: StfConfig = {
      ...efficientNet,
      backbone_batch_norm: 'train',
      backbone_weights: 'somewhere.pt',
      backbone_freeze_stages: 3,
    };
    const model = open(config);
    const kept = unmoved(model, config).filter(isRunningStatistic);
    expect(kept).toEqual(statistics(model).filter((name) => /^backbone\.(bn1|blocks\.[0-4])\./.test(name)));
  });

  test('follow once a step also with gradient checkpoints', () => {
    const [plain, recomputing] = [false, true].map((grad_checkpoint) => {
      const config: StfConfig = { ...efficientNet, backbone_batch_norm: 'train', grad_checkpoint };
      const model = open(config);
      unmoved(model, config, 1);
      return statistics(model).flatMap((name) => [...model.parameters.get(name)!.dataSync()]);
    });
    expect(largestDifference(recomputing, plain)).toBe(0);
  });
});

describe('configuration', () => {
  const warningsOf = (model: object) =>
    resolveConfig({ object: { model, training: { amp_dtype: 'float32' } } }).warnings;

  test('EfficientNet-Lite0 is known and brings its weights; random starts are warned of', () => {
    expect(warningsOf({ spatial_backbone: 'efficientnet_lite0' })).toEqual([]);
    expect(warningsOf({ spatial_backbone: 'efficientnet_lite0', backbone_weights: 'none' })).toEqual([
      'model.backbone_weights: EfficientNet-Lite0 starts from random weights, and learns better so with backbone_batch_norm: train',
    ]);
    expect(warningsOf({ spatial_backbone: 'convnextv2', backbone_weights: 'none' })).toEqual([
      'model.backbone_weights: ConvNeXt V2 starts from random weights: no file is given',
    ]);
    expect(
      warningsOf({ spatial_backbone: 'convnextv2', backbone_weights: 'a.pt', backbone_batch_norm: 'train' }),
    ).toEqual(['model.backbone_batch_norm: no effect: convnextv2 has no batch normalisation']);
  });

  test('weights for the native trunk are refused', () => {
    expect(() => warningsOf({ backbone_weights: 'femto.pt' })).toThrow(
      'model.backbone_weights: expected spatial_backbone convnextv2 or efficientnet_lite0 for femto.pt: the native trunk (v73) has no pretrained weights',
    );
    expect(() => warningsOf({ spatial_backbone: 'resnet' })).toThrow('model.spatial_backbone');
  });
});
