import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { drawTrainingMasks, lossParts, StfMamba } from '../../model/stfMamba.js';
import { largestDifference } from './differences.js';
import { seededUniform } from './seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const phaseA: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const phaseB: StfConfig = { ...phaseA, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };
// Masks that drop about every second branch.
const dropping = { drop_path: 0.9, dropout: 0.5 };

/** Loss and gradients of one micro-batch, and the bytes that the forward pass leaves for the backward pass. */
function step(config: StfConfig) {
  const model = new StfMamba(config, seededUniform(3));
  const uniform = seededUniform(4);
  // Kernels that start at zero would hide what lies behind them.
  for (const [name, variable] of model.parameters) {
    if (!name.endsWith('.kernel') || name.startsWith('backbone.')) continue;
    const values = Float32Array.from({ length: variable.size }, () => 0.1 * (uniform() - 0.5));
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  const result = tf.tidy(() => {
    const { num_frames: frames, img_size: size } = config;
    const bytes = Int32Array.from({ length: 2 * frames * size * size * 3 }, () => 256 * uniform());
    const clips = tf.tensor5d(bytes, [2, frames, size, size, 3], 'int32');
    const labels = tf.tensor1d([0, 1], 'int32');
    const masks = drawTrainingMasks(config, 2, uniform);
    const start = tf.memory().numBytes;
    let kept = 0;
    const { value, grads } = tf.variableGrads(() => {
      const loss = tf.tidy(() => lossParts(model.forward(clips, masks), labels, config).total);
      kept = tf.memory().numBytes - start;
      return loss;
    });
    const byName = [...model.trainable].map((name) => ({
      name,
      gradient: grads[model.parameters.get(name)!.name].dataSync(),
    }));
    return { loss: value.dataSync()[0], byName, kept };
  });
  model.dispose();
  return result;
}

/** Parameters that several segments read: their contributions are summed in another order. */
const shared = ['dwt.alpha_logit', 'adaptive.gamma'];

describe.each([
  ['Phase A', phaseA],
  ['Phase B', phaseB],
  ['ConvNeXt V2', { ...phaseA, spatial_backbone: 'convnextv2' as const, convnext_variant: 'atto' as const }],
  ['EfficientNet', { ...phaseA, spatial_backbone: 'efficientnet_lite0' as const, backbone_weights: 'none' }],
])('%s with gradient checkpointing', (_, config) => {
  test('has the loss and the gradients that it has without, and keeps a small part of the memory', () => {
    const before = tf.memory().numTensors;
    const plain = step({ ...config, ...dropping });
    const recomputed = step({ ...config, ...dropping, grad_checkpoint: true });
    expect(recomputed.loss).toBe(plain.loss);
    for (const [i, { name, gradient: expected }] of plain.byName.entries()) {
      const bound = shared.includes(name) ? 1e-5 * Math.max(...expected.map(Math.abs)) : 0;
      expect(largestDifference(recomputed.byName[i].gradient, expected), name).toBeLessThanOrEqual(bound);
    }
    // A fifth or less of what compositions keep; with own operations the plain step keeps less to begin with.
    expect(recomputed.kept).toBeLessThan(plain.kept / 4);
    expect(tf.memory().numTensors).toBe(before);
  });
});
