import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { Stem } from '../../../model/trunk/stem.js';
import { Trunk } from '../../../model/trunk/trunk.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

function create(config: StfConfig) {
  const scope = ParameterScope.root(seededUniform(1));
  const trunk = new Trunk(scope, config, constants);
  return { trunk, parameters: scope.parameters };
}
const pixels = (size: number) => ({ batch: 1, frames: 4, height: size, width: size, segments: 1 });
const inference = { nextMask: () => undefined, training: false };

test.each([
  [64, 2],
  [96, 3],
])('a %i px clip becomes a map of stage 3 of %i cells a side', (size, cells) => {
  const { trunk } = create(debug());
  const out = tf.tidy(() => trunk.forward(tf.zeros([4, size, size, 3]), pixels(size), inference));
  expect(out.features.shape).toEqual([4 * cells * cells, 128]);
  expect(out.grid).toEqual({ batch: 1, frames: 4, height: cells, width: cells, segments: 1 });
  expect(out.pooled.map(({ shape }) => shape)).toEqual([
    [1, 4, 32],
    [1, 4, 64],
    [1, 4, 128],
  ]);
  expect([out.wavelet.hllEnergy.shape, out.wavelet.allBandEnergy.shape]).toEqual([[1], [1]]);
  expect(out.wavelet.attention.shape).toEqual([(2 * size * size) / 64, 32]);
});

test.each(['v73', 'convnextv2', 'efficientnet_lite0'] as const)(
  'with contrast each stage of %s gives the face less what surrounds it',
  (spatial_backbone) => {
    const frames = tf.tensor4d(
      seededValues(4 * 96 * 96 * 3, 6).map((v) => 127 * (1 + v)),
      [4, 96, 96, 3],
    );
    const pooledBy = (frame_pooling: StfConfig['frame_pooling']) => {
      const { trunk } = create({ ...debug(), spatial_backbone, backbone_weights: 'none', img_size: 96, frame_pooling });
      const { pooled, features } = tf.tidy(() => trunk.forward(frames, pixels(96), inference));
      return { pooled: pooled.map((tokens) => numbersOf(tokens)), features: numbersOf(features) };
    };
    const [mean, contrast] = [pooledBy('mean'), pooledBy('contrast')];
    expect(contrast.features).toEqual(mean.features);
    for (const [i, tokens] of contrast.pooled.entries())
      expect(largestDifference(tokens, mean.pooled[i]!)).toBeGreaterThan(1e-2);
    if (spatial_backbone !== 'v73') return; // the others' last stage goes through a head of their own
    // Of stage 3's 3 × 3 places the middle column lies in the face, the two others around it.
    const last = mean.pooled[2]!.map((_, at) => {
      const [frame, c] = [Math.floor(at / 128), at % 128];
      const place = (y: number, x: number) => contrast.features[(frame * 9 + y * 3 + x) * 128 + c]!;
      return [0, 1, 2].reduce((sum, y) => sum + place(y, 1) / 3 - (place(y, 0) + place(y, 2)) / 6, 0);
    });
    expect(largestDifference(contrast.pooled[2]!, last)).toBeLessThan(1e-5);
  },
);

test('a stage asks for two masks per block, in depth order', () => {
  const { trunk } = create({ ...debug(), stage1_blocks: 2, stage2_blocks: 3 });
  let asked = 0;
  tf.tidy(() =>
    trunk.forward(tf.zeros([4, 64, 64, 3]), pixels(64), { nextMask: () => void asked++ as undefined, training: true }),
  );
  expect(asked).toBe(10);
});

test.each([1, 2])('what the contour blocks of stage %i give is gated and goes on', (stage) => {
  const { trunk, parameters } = create(debug());
  const frames = tf.tensor4d(
    seededValues(4 * 64 * 64 * 3, 6).map((v) => 127 * (1 + v)),
    [4, 64, 64, 3],
  );
  const pooled = () =>
    tf.tidy(() => trunk.forward(frames, pixels(64), inference).pooled.map((tokens) => numbersOf(tokens)));
  const before = pooled();
  const bias = parameters.get(`stage${stage}.0.expand.bias`)!;
  bias.assign(tf.tensor1d(seededValues(bias.size, 7)));
  const moved = pooled().map((tokens, i) => largestDifference(tokens, before[i]!));
  expect(moved.map((difference) => difference > 1e-3)).toEqual([stage === 1, true, true]);
});

describe('moving a clip by 32 pixels', () => {
  test('moves the map of stage 3 by one cell, away from the borders', () => {
    // Straight kernels; gates opened by random weights, so that their path is part of the test.
    const { trunk, parameters } = create(debug());
    for (const [name, variable] of parameters) {
      if (name.includes('gate')) variable.assign(tf.tensor(seededValues(variable.size, 5), variable.shape));
    }
    const size = 320;
    const patch = seededValues(4 * 32 * 32 * 3, 6).map((v) => 127 * (1 + v));
    const clip = (left: number) =>
      tf.pad(tf.tensor4d(patch, [4, 32, 32, 3]), [
        [0, 0],
        [128, size - 160],
        [left, size - left - 32],
        [0, 0],
      ]);
    const map = (left: number) =>
      tf.tidy(
        () => tf.reshape(trunk.forward(clip(left), pixels(size), inference).features, [4, 10, 10, 128]) as tf.Tensor4D,
      );
    const [here, there] = [map(128), map(160)];
    // The map's border reaches three cells in: 4 taps × 16 px in stage 2, 4 × 8 px in stage 1 and the wavelet's window.
    const inside = numbersOf(tf.slice(here, [0, 3, 3, 0], [4, 4, 3, -1]));
    const moved = numbersOf(tf.slice(there, [0, 3, 4, 0], [4, 4, 3, -1]));
    expect(largestDifference(moved, inside)).toBeLessThan(1e-5);
    const unmoved = numbersOf(tf.slice(there, [0, 3, 3, 0], [4, 4, 3, -1]));
    expect(largestDifference(unmoved, inside)).toBeGreaterThan(1e-2);
  });
});

test('the stem equals a convolution of colour-normalised pixels', () => {
  const scope = ParameterScope.root(seededUniform(2));
  const stem = new Stem(scope, 8);
  const bias = scope.parameters.get('conv.bias')!;
  bias.assign(tf.tensor1d(seededValues(8, 3)));
  const frames = tf.tensor4d(
    seededValues(2 * 8 * 8 * 3, 4).map((v) => Math.round(127 * (1 + v))),
    [2, 8, 8, 3],
  );
  const normalised = tf.div(tf.sub(tf.div(frames, 255), [0.485, 0.456, 0.406]), [0.229, 0.224, 0.225]) as tf.Tensor4D;
  const projected = tf.add(tf.conv2d(normalised, scope.parameters.get('conv.kernel') as never, 4, 'valid'), bias);
  const { mean, variance } = tf.moments(projected, 3, true);
  const want = tf.div(tf.sub(projected, mean), tf.sqrt(tf.add(variance, 1e-6)));
  expect(largestDifference(numbersOf(stem.forward(frames)), numbersOf(want))).toBeLessThan(1e-5);
  expect(numbersOf(stem.forward(tf.cast(frames, 'int32')))).toEqual(numbersOf(stem.forward(frames)));
});
