import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { debug, type StfConfig } from '../../model/config/stfConfig.js';
import { type LossName, StfMamba } from '../../model/stfMamba.js';

/** The integer hash of test/fixtures/scripts/model_debug.py. */
export const noise = (size: number, number: number) =>
  Float64Array.from({ length: size }, (_, i) => {
    let h = (Math.imul(i, 0x9e3779b1) + Math.imul(number, 0x85ebca77)) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) >>> 0;
    h = (h ^ (h >>> 12)) >>> 0;
    return h / 2 ** 31 - 1;
  });
/** The formula there for parameter `number` in order of name. */
const fixtureValues = (name: string, number: number, size: number) => {
  const leaf = name.split('.').at(-1)!;
  const shape = (v: number) => {
    if (leaf === 'gamma' || leaf === 'D') return 1 + 0.2 * v;
    if (leaf === 'A_log' || leaf === 'alpha_logit') return 0.5 + 0.5 * v;
    if (name.endsWith('dt_proj.bias') || leaf === 'dt_bias') return -2 + v;
    return (name.includes('offset') ? 0.4 : 0.2) * v;
  };
  return Float32Array.from(noise(size, number), shape);
};
export type FixturePart = {
  logits: number[][];
  hll_energy: number[];
  all_band_energy: number[];
  loss: Record<string, number>;
  other_losses?: Record<string, Record<string, number>>;
  gradients: Record<string, { norm: number; probe: number; step: number; l1: number }>;
};
/** What the independent PyTorch implementation found, in float64. */
export const debugFixture: Record<'a' | 'b' | 'baseline', FixturePart> = JSON.parse(
  readFileSync(new URL('../fixtures/model/model_debug.json', import.meta.url), 'utf8'),
);
/** Its names of our losses. */
export const fixtureLosses: Record<Exclude<LossName, 'pair' | 'frame'>, string> = {
  total: 'total',
  ce: 'ce',
  hll: 'hll',
  gap: 'gap',
  hllReal: 'hll_real',
  hllFake: 'hll_fake',
  hllDefined: 'hll_defined',
};

const debugA: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const newInB = { use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true, lr: 1e-4 };
/** The configurations that it was asked about. */
export const fixtureConfigs: Record<keyof typeof debugFixture, StfConfig> = {
  a: debugA,
  b: { ...debugA, ...newInB },
  baseline: debug(),
};
/** What `other_losses` change. */
export const otherLosses: Record<string, Partial<StfConfig>> = {
  paired: { hll_loss_mode: 'paired', hll_loss_margin: 0 },
  'paired, not normalised': { hll_loss_mode: 'paired', hll_loss_margin: 0, use_hll_normalization: false },
  'mean, not normalised': { hll_loss_margin: 0, use_hll_normalization: false },
};

/** The model with the weights of the formula. */
export function fixtureModel(phase: keyof typeof debugFixture): StfMamba {
  const model = new StfMamba(fixtureConfigs[phase], () => 0.5);
  [...model.parameters.keys()].sort().forEach((name, number) => {
    const variable = model.parameters.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(fixtureValues(name, number, variable.size), variable.shape)));
  });
  return model;
}

const pixels = 4 * 64 * 64 * 3;
/** Four clips of noise. */
export const fixtureClips = () =>
  tf.tensor5d(
    Int32Array.from(noise(4 * pixels, 2000), (v) => Math.floor(128 * (1 + v))),
    [4, 4, 64, 64, 3],
    'int32',
  );
/** Real and fake in turn. */
export const fixtureLabels = () => tf.tensor1d([0, 1, 0, 1], 'int32');
