import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { fillBackbone } from '../../../model/checkpoint/loadBackbone.js';
import { fromTorchLayout } from '../../../model/checkpoint/torchLayout.js';
import { baseline } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { averagePool } from '../../../model/trunk/averagePool.js';
import { ConvNextV2 } from '../../../model/trunk/convNextV2.js';
import { type ConvNextLayout, convNextVariants } from '../../../model/trunk/convNextVariants.js';
import { largestDifference, numbersOf } from '../differences.js';
import { createTinyConvNext, formulaFrames, readFixture } from './tinyConvNext.js';

beforeAll(async () => {
  await startEngine();
});

describe('against timm, random weights, float64', () => {
  test('maps at strides 4 to 32 and pooled features', () => {
    const { parameters, forward } = createTinyConvNext();
    fillBackbone({ parameters }, readFixture('convnextv2.safetensors'));
    const reference = readFixture('convnextv2_reference.safetensors');
    const { maps, pooled } = tf.tidy(() => forward(formulaFrames()));
    const relative = (got: tf.Tensor, name: string) => {
      const want = reference.get(name)!.data as Float32Array;
      return largestDifference(numbersOf(got), want) / Math.max(...want.map(Math.abs));
    };
    const errors = [...maps.map(({ features }, i) => relative(features, `f${i}`)), relative(pooled, 'pooled')];
    for (const error of errors) expect(error).toBeLessThan(5e-6);
    expect(maps.map(({ grid }) => grid.height)).toEqual([16, 8, 4, 2]);
  });

  test('gradients of every parameter', () => {
    const { parameters, forward } = createTinyConvNext();
    fillBackbone({ parameters }, readFixture('convnextv2.safetensors'));
    const reference = readFixture('convnextv2_reference.safetensors');
    const variables = [...parameters.values()];
    const { grads } = tf.variableGrads(() => {
      const { pooled } = forward(formulaFrames());
      const weights = tf.tensor(
        Array.from({ length: pooled.size }, (_, i) => Math.sin(i)),
        pooled.shape,
      );
      return tf.sum(tf.mul(pooled, weights)) as tf.Scalar;
    }, variables);
    const errors = [...parameters].map(([name, variable]): [string, number] => {
      const key = name.replace('backbone.', 'gradient.');
      const want = numbersOf(fromTorchLayout(reference.get(key)!, key, variable.shape));
      const got = numbersOf(grads[variable.name]);
      return [name, largestDifference(got, want) / Math.max(...want.map(Math.abs), 1e-3)];
    });
    expect(errors.filter(([, error]) => !(error < 2e-5))).toEqual([]);
  });
});

/** Parameters by the shapes of the published network, layer by layer. */
function countByHand({ depths, widths }: ConvNextLayout): number {
  const stage = (i: number) => {
    const [before, width] = [widths[i - 1], widths[i]!];
    const block =
      49 * width + width + 2 * width + (4 * width * width + 4 * width) + 2 * 4 * width + (4 * width * width + width);
    const reduction = before === undefined ? 0 : 2 * before + 4 * before * width + width;
    return reduction + depths[i]! * block;
  };
  const stem = 4 * 4 * 3 * widths[0] + widths[0] + 2 * widths[0];
  return stem + stage(0) + stage(1) + stage(2) + stage(3) + 2 * widths[3];
}

test.each([
  ['atto', 3_387_400],
  ['femto', 4_848_240],
  ['pico', 8_553_280],
  ['nano', 14_982_800],
  ['tiny', 27_866_496],
  ['base', 87_692_800],
] as const)('%s has %i parameters without its classifier', (variant, count) => {
  expect(countByHand(convNextVariants[variant])).toBe(count);
});

test('the network that is built has as many', () => {
  const scope = ParameterScope.root(() => 0.5);
  const backbone = new ConvNextV2(scope, { ...baseline(), convnext_variant: 'atto' });
  backbone.createStem();
  for (const number of [1, 2, 3] as const) backbone.createStage(number);
  backbone.createPool(averagePool);
  const variables = [...scope.parameters.values()];
  expect(variables.reduce((sum, { size }) => sum + size, 0)).toBe(3_387_400);
  tf.dispose(variables);
});

test('starts with layer norms that only normalise, and with response norms that pass their input through', () => {
  const { parameters } = createTinyConvNext();
  const starts = (name: RegExp) =>
    [...parameters].filter(([key]) => name.test(key)).map(([, variable]) => new Set(variable.dataSync()));
  const norms = starts(/\.(norm|stem\.1|downsample\.0)\.weight$/);
  // One a block, the stem's, the head's, and one a reduction.
  expect(norms).toEqual(Array(5 + 1 + 1 + 3).fill(new Set([1])));
  expect(starts(/\.grn\.(weight|bias)$/)).toEqual(Array(2 * 5).fill(new Set([0])));
  for (const values of starts(/\.bias$/)) expect(values).toEqual(new Set([0]));
});
