import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { phaseB } from '../../../../model/config/stfConfig.js';
import { useOwnOperations } from '../../../../model/engine/ownOperations.js';
import { inFloat32 } from '../../../../model/engine/recording/inFloat32.js';
import { type StepInput, StepRunner } from '../../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../../model/layers/constantCache.js';
import { layerNorm } from '../../../../model/layers/layerNorm.js';
import { linear } from '../../../../model/layers/linear.js';
import { lossParts } from '../../../../model/losses/lossParts.js';
import { mixOverTime } from '../../../../model/temporal/mixOverTime.js';
import { selectiveScan } from '../../../../model/temporal/selectiveScan.js';
import { waveletTransform } from '../../../../model/wavelet/waveletTransform.js';
import { seededValues } from '../../seededUniform.js';

await startEngine('auto');
const recorder = graphRecorder();
const constants = new ConstantCache();
afterAll(() => constants.dispose());
afterEach(() => useOwnOperations(true));

const random = (seed: number, ...shape: number[]): StepInput => ({
  dtype: 'float32',
  shape,
  values: Float32Array.from(seededValues(tf.util.sizeFromShape(shape), seed)),
});

type Layer = (...inputs: tf.Tensor[]) => tf.Tensor;

/** A layer's value and its gradients, recorded with products in one precision. */
function recorded(layer: Layer, inputs: StepInput[], bfloat16: boolean): Float32Array[] {
  const runner = new StepRunner({
    variables: () => [],
    recorder,
    say: (note) => {
      throw new Error(note);
    },
  });
  const step = (tensors: tf.Tensor[]) => {
    // Uneven weights, so that no part of the gradient cancels or is a power of two.
    const total = (...xs: tf.Tensor[]) => {
      const flat = tf.reshape(layer(...xs), [-1]);
      return tf.sum(tf.mul(flat, tf.linspace(0.3, 1.7, flat.size))) as tf.Scalar;
    };
    return [layer(...tensors), ...tf.grads(total)(tensors)];
  };
  try {
    return runner.run('step', inputs, step, { bfloat16 });
  } finally {
    runner.dispose();
  }
}

const sameBits = (a: Float32Array[], b: Float32Array[]): boolean[] =>
  a.map((values, i) => Buffer.from(values.buffer).equals(Buffer.from(b[i]!.buffer)));

function expectFloat32(layer: Layer, inputs: StepInput[]): void {
  const [narrow, wide] = [true, false].map((bfloat16) => recorded(layer, inputs, bfloat16));
  expect(sameBits(narrow!, wide!)).toEqual([true, ...inputs.map(() => true)]);
  // Else zeros would prove it.
  for (const values of wide!) expect(values.some((value) => value !== 0)).toBe(true);
}

describe.skipIf(recorder === undefined)('in a step whose products are narrowed to bfloat16, float32 bits have', () => {
  it("not a dense layer's value and gradients", () => {
    const layer: Layer = (x, kernel) => linear(x as tf.Tensor2D, { kernel: kernel! });
    const [narrow, wide] = [true, false].map((bfloat16) =>
      recorded(layer, [random(1, 5, 7), random(2, 7, 3)], bfloat16),
    );
    expect(sameBits(narrow!, wide!)).toEqual([false, false, false]);
  });

  it('plain products in inFloat32 and their gradients, but none before or after it', () => {
    const product: Layer = (a, b) => tf.matMul(a!, b!);
    const inputs = [random(1, 5, 7), random(2, 7, 3)];
    expectFloat32((a, b) => inFloat32(() => product(a!, b!)), inputs);
    const mixed: Layer = (a, b) => {
      const before = product(a!, b!);
      return tf.add(
        before,
        inFloat32(() => tf.matMul(a!, b!)),
      );
    };
    const [narrow, wide] = [true, false].map((bfloat16) => recorded(mixed, inputs, bfloat16));
    expect(sameBits(narrow!, wide!)).toEqual([false, false, false]);
  });

  it('the parts of the loss', () => {
    const config = { ...phaseB(), pair_loss_weight: 1, frame_loss_weight: 1 };
    const labels = () => tf.tensor1d([0, 1, 1, 0], 'int32');
    const layer: Layer = (logits, hllEnergy, allBandEnergy, frameLogits) => {
      const output = { logits, hllEnergy: tf.abs(hllEnergy!), allBandEnergy: tf.abs(allBandEnergy!), frameLogits };
      return tf.stack(Object.values(lossParts(output as never, labels(), config)));
    };
    expectFloat32(layer, [random(1, 4, 2), random(2, 4), random(3, 4), random(4, 4, 3, 2)]);
  });

  it('the wavelet transform', () => {
    const grid = { batch: 2, frames: 4, height: 4, width: 6, segments: 1 };
    expectFloat32((x) => waveletTransform(x!, grid as never, 'reflect', constants), [random(1, 2 * 4 * 4 * 6, 3)]);
  });

  it.each([true, false])("Hydra's mixing, by an operation of ours: %s", (own) => {
    useOwnOperations(own);
    const [steps, heads, states] = [5, 2, 3];
    const layer: Layer = (u, diagonal, delta, decay, bf, cf, bb, cb) => {
      const operands = { delta: tf.abs(delta!), decay: tf.neg(tf.abs(decay!)) };
      const [forward, backward] = [
        { input: bf, output: cf },
        { input: bb, output: cb },
      ];
      return mixOverTime(u as never, diagonal as never, { ...operands, forward, backward } as never, constants);
    };
    const projections = [5, 6, 7, 8].map((seed) => random(seed, 2, steps, states));
    const size = random(3, 2, heads, 2, steps);
    expectFloat32(layer, [random(1, 2, steps, 6), random(2, 2, steps, heads), size, random(4, heads), ...projections]);
  });

  it.each([true, false])('the selective scan, by an operation of ours: %s', (own) => {
    useOwnOperations(own);
    const [rows, inner, states, steps] = [6, 4, 3, 3];
    const layer: Layer = (u, delta, decay, input, output, skip) => {
      const rates = { delta: tf.abs(delta!), decay: tf.neg(tf.abs(decay!)) };
      return selectiveScan({ u, ...rates, input, output, skip, steps } as never);
    };
    const [signal, projection] = [
      [2, rows, inner],
      [2, rows, states],
    ];
    expectFloat32(layer, [
      ...[random(1, ...signal!), random(2, ...signal!), random(3, 2, inner, states)],
      ...[random(4, ...projection!), random(5, ...projection!), random(6, 2, 1, inner)],
    ]);
  });

  it.each([true, false])('layer normalisation, by an operation of ours: %s', (own) => {
    useOwnOperations(own);
    const layer: Layer = (x, gamma, beta) => layerNorm(x!, { gamma, beta } as never);
    expectFloat32(layer, [random(1, 6, 5), random(2, 5), random(3, 5)]);
  });
});
