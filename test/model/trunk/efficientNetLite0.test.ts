import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { fillBackbone } from '../../../model/checkpoint/loadBackbone.js';
import { decodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { fromTorchLayout } from '../../../model/checkpoint/torchLayout.js';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { installedWeights } from '../../../model/engine/install/installWeights.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { isRunningStatistic } from '../../../model/layers/batchNorm.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { relu6 } from '../../../model/layers/relu6.js';
import { averagePool } from '../../../model/trunk/averagePool.js';
import { EfficientNetLite0 } from '../../../model/trunk/efficientNetLite0.js';
import { InvertedResidual } from '../../../model/trunk/invertedResidual.js';
import type { FeatureMap } from '../../../model/trunk/spatialBackbone.js';
import { Trunk } from '../../../model/trunk/trunk.js';
import { byBothKernels } from '../byBothKernels.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';
import { readFixture } from './tinyConvNext.js';

let reference: Map<string, HostTensor>;
beforeAll(async () => {
  await startEngine();
  reference = readFixture('efficientnet_lite0.safetensors');
});

const numbers = (key: string) => reference.get(key)!.data as Float32Array;
const tensor = (key: string) => tf.tensor(numbers(key), reference.get(key)!.shape);
const relativeError = (got: ArrayLike<number>, want: ArrayLike<number>) =>
  largestDifference(got, want) / Math.max(...Array.from(want, Math.abs), 1e-3);
const config: StfConfig = { ...debug(), spatial_backbone: 'efficientnet_lite0', backbone_weights: 'none' };
const inference = { nextMask: () => undefined, training: false };
const trainingMode = { nextMask: () => undefined, training: true };

byBothKernels(() => {
  describe.each([
    ['plain', { kernel: 3, stride: 1, expansion: 1, outputs: 4 }, 6],
    ['strided', { kernel: 5, stride: 2, expansion: 6, outputs: 6 }, 4],
    ['residual', { kernel: 3, stride: 1, expansion: 6, outputs: 4 }, 4],
  ] as const)("a %s block against the package's", (name, layout, inputs) => {
    /** The package's names of the layers of one block, in ours. */
    const layers: Record<string, string> =
      name === 'plain'
        ? { conv_dw: '_depthwise_conv', bn1: '_bn1', conv_pw: '_project_conv', bn2: '_bn2' }
        : {
            ...{ conv_pw: '_expand_conv', bn1: '_bn0', conv_dw: '_depthwise_conv', bn2: '_bn1' },
            ...{ conv_pwl: '_project_conv', bn3: '_bn2' },
          };
    const original = (ours: string) => ours.replace(/^\w+/, (layer) => layers[layer]);

    test.each(['eval', 'train'] as const)('output, gradients and running statistics, %s', (mode) => {
      const scope = ParameterScope.root(seededUniform(1));
      const block = new InvertedResidual(scope, inputs, layout, mode === 'train');
      for (const [key, variable] of scope.parameters) {
        const from = `${name}.weight.${original(key)}`;
        variable.assign(fromTorchLayout(reference.get(from)!, from, variable.shape));
      }
      const input = tf.reshape(tensor(`${name}.input`), [-1, inputs]) as tf.Tensor2D;
      const grid = { batch: 1, frames: 3, height: 8, width: 8, segments: 1 };
      const x = tf.variable(input);
      const learnt = [...scope.parameters].filter(([key]) => !isRunningStatistic(key));
      let output: number[] = [];
      const { grads } = tf.variableGrads(() => {
        const { features } = block.forward({ features: x, grid }, mode === 'train' ? trainingMode : inference);
        output = [...features.dataSync()];
        const target = tf.reshape(tf.tensor1d(output.map((_, i) => Math.sin(i))), features.shape);
        return tf.sum(tf.mul(features, target)) as tf.Scalar;
      }, [x, ...learnt.map(([, variable]) => variable)]);
      expect(relativeError(output, numbers(`${name}.${mode}.output`))).toBeLessThan(2e-6);
      expect(relativeError(numbersOf(grads[x.name]), numbers(`${name}.${mode}.gradient.input`))).toBeLessThan(1e-5);
      for (const [key, variable] of learnt) {
        const from = `${name}.${mode}.gradient.${original(key)}`;
        const want = numbersOf(fromTorchLayout(reference.get(from)!, from, variable.shape));
        expect(relativeError(numbersOf(grads[variable.name]), want), key).toBeLessThan(1e-5);
      }
      for (const [key, variable] of scope.parameters) {
        if (!isRunningStatistic(key)) continue;
        const after = numbers(`${name}.${mode === 'train' ? 'after' : 'weight'}.${original(key)}`);
        expect(relativeError(variable.dataSync(), after), key).toBeLessThan(1e-6);
      }
    });
  });

  test('relu6 has the derivative 1 inside (0,6) and 0 outside', () => {
    const x = tf.tensor1d([-3, -0.5, 0.5, 3, 5.5, 6.5, 9]);
    expect([...relu6(x).dataSync()]).toEqual([0, 0, 0.5, 3, 5.5, 6, 6]);
    expect(gradientErrors((input) => relu6(input), [x], tf.tensor1d([1, 2, 3, 4, 5, 6, 7]))[0]).toBeLessThan(1e-3);
  });
});

/** Backbone layers in order, without gates and contour convolutions between them. */
function create(change: Partial<StfConfig> = {}) {
  const scope = ParameterScope.root(seededUniform(3));
  const backbone = new EfficientNetLite0(scope.within('backbone'), { ...config, ...change });
  const stem = backbone.createStem();
  const stages = ([1, 2, 3] as const).map((number) => backbone.createStage(number));
  const pool = backbone.createPool(averagePool);
  /** Maps as the package has them: what a neutral gate multiplies by is put in between. */
  const forward = (frames: tf.Tensor4D, size: number) => {
    const pixels = { batch: 1, frames: frames.shape[0], height: size, width: size, segments: 1 };
    const gated = ({ features, grid }: FeatureMap) => ({ features: tf.mul(features, 1.5) as tf.Tensor2D, grid });
    const f0 = stem(frames, pixels, inference);
    const f1 = stages[0](f0, inference);
    const f2 = stages[1](gated(f1), inference);
    const f3 = stages[2](gated(f2), inference);
    return { maps: [f0, f1, f2, f3], pooled: pool(gated(f3), inference) };
  };
  return { parameters: scope.parameters, forward };
}

test('has the learnt parameters of the package without its classifier, and maps at strides 4 to 32', () => {
  const { parameters, forward } = create();
  const learnt = [...parameters].filter(([name]) => !isRunningStatistic(name));
  expect(learnt.reduce((sum, [, { size }]) => sum + size, 0)).toBe(3_371_008);
  const { maps, pooled } = tf.tidy(() => forward(tf.zeros([1, 64, 64, 3]), 64));
  expect(maps.map(({ features, grid }) => [grid.height, features.shape[1]])).toEqual([
    [16, 24],
    [8, 40],
    [4, 112],
    [2, 320],
  ]);
  expect(pooled.shape).toEqual([1, 1, 1280]);
});

test('neutral gates and new contour convolutions leave its features as they are', () => {
  const constants = new ConstantCache();
  const scope = ParameterScope.root(seededUniform(3));
  const trunk = new Trunk(scope, config, constants);
  const { parameters, forward } = create();
  for (const [name, variable] of parameters) {
    const values = name.includes('running_mean') ? seededValues(variable.size, 8) : variable.dataSync();
    variable.assign(tf.tensor(values, variable.shape));
    scope.parameters.get(name)!.assign(variable);
  }
  const frames = tf.tensor4d(
    seededValues(4 * 64 * 64 * 3, 9).map((v) => 127 * (1 + v)),
    [4, 64, 64, 3],
  );
  const pixels = { batch: 1, frames: 4, height: 64, width: 64, segments: 1 };
  const [got, want] = [tf.tidy(() => trunk.forward(frames, pixels, inference)), tf.tidy(() => forward(frames, 64))];
  expect(relativeError(numbersOf(got.pooled[2]), numbersOf(want.pooled))).toBeLessThan(1e-5);
  expect(relativeError(numbersOf(got.pooled[0]), numbersOf(tf.mul(averagePool(want.maps[1]), 1.5)))).toBeLessThan(1e-5);
  constants.dispose();
});

test('divides what a neutral gate multiplies by out of what its last convolution reads', () => {
  const scope = ParameterScope.root(seededUniform(3));
  const pool = new EfficientNetLite0(scope, config).createPool(averagePool);
  const grid = { batch: 1, frames: 2, height: 2, width: 2, segments: 1 };
  const x = tf.tensor2d(seededValues(8 * 320, 4), [8, 320]);
  const pooled = pool({ features: tf.mul(x, 1 + 1 / 2), grid }, inference);
  // Batch normalisation as it starts: mean 0, variance 1.
  const wide = tf.div(tf.matMul(x, scope.parameters.get('conv_head.weight') as never), Math.sqrt(1 + 1e-3));
  const want = tf.mean(tf.reshape(tf.clipByValue(wide, 0, 6), [2, 4, 1280]), 1);
  expect(relativeError(numbersOf(pooled), numbersOf(want))).toBeLessThan(1e-5);
});

describe('with the ImageNet weights', async () => {
  const path = await installedWeights('efficientnet-lite0');

  // `npm test` fetches them, so that in CI their lack is a failure.
  test.skipIf(path === undefined && !process.env.CI)(
    'gives the logits of the package (skipped unless set-up has fetched them)',
    () => {
      if (path === undefined) throw new Error('expected the weights: npm run setup -- --weights efficientnet-lite0');
      const weights = decodeSafetensors(readFileSync(path)).tensors;
      const { parameters, forward } = create();
      const report = fillBackbone({ parameters }, weights);
      expect(report.missing).toEqual([]);
      expect(report.unexpected.filter((name) => !/^_fc\.|num_batches_tracked$/.test(name))).toEqual([]);
      const size = 224;
      const values = Float32Array.from({ length: 2 * size * size * 3 }, (_, i) => {
        const [n, y, x, c] = [
          Math.floor(i / (size * size * 3)),
          Math.floor(i / (size * 3)) % size,
          Math.floor(i / 3) % size,
          i % 3,
        ];
        return Math.round(127.5 + 127.5 * Math.sin((x * (n + 1) + y * (c + 1)) / 17 + c) * Math.cos(y / 31 + n));
      });
      const { maps, pooled } = tf.tidy(() => forward(tf.tensor4d(values, [2, size, size, 3]), size));
      maps.forEach(({ features }, i) => {
        const positions = tf.reshape(features, [2, -1, features.shape[1]]);
        const norms = numbersOf(tf.sqrt(tf.mean(tf.square(positions), 1)));
        expect(relativeError(norms, numbers(`pretrained.f${i}.norms`)), `f${i}`).toBeLessThan(1e-5);
      });
      expect(relativeError([...pooled.dataSync()], numbers('pretrained.pooled'))).toBeLessThan(2e-5);
      const [kernel, bias] = ['_fc.weight', '_fc.bias'].map((name) => weights.get(name)!);
      const logits = tf.add(
        tf.matMul(tf.reshape(pooled, [2, 1280]), tf.tensor2d(kernel.data as Float32Array, [1000, 1280]), false, true),
        tf.tensor1d(bias.data as Float32Array),
      );
      expect(largestDifference(numbersOf(logits), numbers('pretrained.logits'))).toBeLessThan(1e-4);
    },
  );
});
