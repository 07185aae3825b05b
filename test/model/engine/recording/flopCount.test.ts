import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useOwnOperations } from '../../../../model/engine/ownOperations.js';
import { type StepInput, StepRunner } from '../../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../../model/engine/startEngine.js';
import { phaseA, StfMamba, Trainer } from '../../../../model/index.js';
import { depthwise } from '../../../../model/layers/depthwise.js';
import { seededUniform } from '../../training/seededUniform.js';

await startEngine('auto');
const recorder = graphRecorder();

const input = (...shape: number[]): StepInput => ({
  dtype: 'float32',
  shape,
  values: new Float32Array(shape.reduce((product, n) => product * n, 1)),
});

describe.skipIf(recorder === undefined)('floating-point operations', () => {
  let runner: StepRunner;
  beforeAll(() => {
    runner = new StepRunner({ variables: () => [], recorder });
  });
  afterAll(() => runner.dispose());

  const count = (inputs: StepInput[], step: (inputs: tf.Tensor[]) => tf.Tensor[]) => {
    runner.run(`${step}`, inputs, step);
    return runner.flops;
  };

  it('of a matrix product are two for each of its multiplications', () => {
    const product = ([a, b]: tf.Tensor[]) => [tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)];
    expect(count([input(3, 5), input(5, 7)], product)).toBe(2 * 3 * 5 * 7);
    const turned = ([a, b]: tf.Tensor[]) => [tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, true, true)];
    expect(count([input(5, 3), input(7, 5)], turned)).toBe(2 * 3 * 5 * 7);
    const batched = ([a, b]: tf.Tensor[]) => [tf.matMul(a!, b!, false, true)];
    expect(count([input(2, 3, 5), input(2, 7, 5)], batched)).toBe(2 * 2 * 3 * 5 * 7);
  });

  it('of a convolution and both of its gradients are the same number each', () => {
    const [x, kernel] = [input(2, 6, 6, 3), input(3, 3, 3, 8)];
    const forward = 2 * (2 * 6 * 6 * 8) * (3 * 3 * 3);
    const convolve = (a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
    expect(count([x, kernel], ([a, b]) => [convolve(a!, b!)])).toBe(forward);
    const both = ([a, b]: tf.Tensor[]) => tf.grads((p, q) => tf.sum(tf.square(convolve(p!, q!))))([a!, b!]);
    expect(count([x, kernel], both)).toBe(3 * forward);
  });

  it.each([true, false])('of a depthwise convolution and its gradients too, by an operation of ours: %s', (own) => {
    const [x, kernel] = [input(2, 6, 7, 3), input(3, 3, 3, 1)];
    const forward = 2 * (2 * 3 * 4 * 3) * (3 * 3);
    const convolve = (a: tf.Tensor, b: tf.Tensor) => depthwise(a as tf.Tensor4D, b as tf.Tensor4D, undefined, 2);
    const both = ([a, b]: tf.Tensor[]) => tf.grads((p, q) => tf.sum(tf.square(convolve(p!, q!))))([a!, b!]);
    useOwnOperations(own);
    try {
      runner.run(`forward ${own}`, [x, kernel], ([a, b]) => [convolve(a!, b!)]);
      expect(runner.flops).toBe(forward);
      runner.run(`both ${own}`, [x, kernel], both);
      expect(runner.flops).toBe(3 * forward);
    } finally {
      useOwnOperations(true);
    }
  });

  it('of the whole default network come close to what its shapes say, 27 GFLOP forward a clip', () => {
    const config = { ...phaseA(), grad_checkpoint: false };
    const model = new StfMamba(config, () => 0.5);
    const trainer = new Trainer(model, config, { stepsPerEpoch: 1, totalSteps: 1 });
    const clips = new Uint8Array(2 * config.num_frames * config.img_size ** 2 * 3);
    try {
      trainer.accumulate({ clips, labels: Int32Array.of(0, 1) }, seededUniform(1));
      const gflopAClip = trainer.flops / 2 / 1e9;
      expect(gflopAClip).toBeGreaterThan(3 * 20);
      expect(gflopAClip).toBeLessThan(3 * 35);
    } finally {
      trainer.dispose();
      model.dispose();
    }
  }, 120_000);
});
