import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { debug } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { type ClipGrid, shrink } from '../../../model/layers/clipGrid.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { applyAttention, type WaveletFeatures, WaveletGate } from '../../../model/wavelet/waveletGate.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const config = { ...debug(), num_frames: 8, num_segments: 2 };
const grid: ClipGrid = { batch: 2, frames: 8, height: 16, width: 16, segments: 2 };
const stem = () => tf.tensor2d(seededValues(2 * 8 * 256 * 16, 2), [2 * 8 * 256, 16]);
const made: ConstantCache[] = [];
afterEach(() => {
  for (const cache of made.splice(0)) cache.dispose();
});
function create() {
  const constants = new ConstantCache();
  made.push(constants);
  const scope = ParameterScope.root(seededUniform(1));
  return { gate: new WaveletGate(scope.within('dwt'), config, constants), parameters: scope.parameters };
}
const set = (variable: tf.Variable, values: Float32Array) => variable.assign(tf.tensor(values, variable.shape));
const stage2 = () => tf.ones([2 * 8 * 16, 64]) as tf.Tensor2D;
const stage2Grid = shrink(shrink(grid, 2), 2);
/** A stage's output times `1 + A`, as the trunk does it. */
const applied = (
  gate: WaveletGate,
  stage: 1 | 2 | 3,
  features: tf.Tensor2D,
  at: ClipGrid,
  evidence: WaveletFeatures['evidence'],
) => applyAttention(features, gate.attention(stage, at.height, evidence), at);

describe('WaveletGate', () => {
  test('starts at a uniform one half', () => {
    const { gate } = create();
    const { evidence } = gate.forward(stem(), grid);
    expect(
      largestDifference(numbersOf(applied(gate, 2, stage2(), stage2Grid, evidence)), Array(2 * 8 * 16 * 64).fill(1.5)),
    ).toBeLessThan(1e-6);
  });

  test('lies between 1 and 2 and holds for the two frames around a coefficient', () => {
    const { gate, parameters } = create();
    for (const [name, variable] of parameters) {
      // Strong enough to spread the gates, weak enough that float32's sigmoid does not round to 0 or 1.
      if (/^dwt.(hll|tmp).kernel/.test(name))
        set(
          variable,
          seededValues(variable.size, 4).map((v) => v / 8),
        );
      if (name.includes('gate')) set(variable, seededValues(variable.size, 3));
    }
    const { evidence } = gate.forward(stem(), grid);
    const gated = applied(gate, 2, stage2(), stage2Grid, evidence);
    const values = numbersOf(tf.reshape(gated, [2, 4, 2, 16 * 64]));
    expect(Math.min(...values)).toBeGreaterThan(1);
    expect(Math.max(...values)).toBeLessThan(2);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.5);
    const frame = 16 * 64;
    for (let pair = 0; pair < 8; pair++) {
      const [even, odd] = [0, 1].map((k) => values.slice((2 * pair + k) * frame, (2 * pair + k + 1) * frame));
      expect(odd).toEqual(even);
    }
    expect(values.slice(0, frame)).not.toEqual(values.slice(2 * frame, 3 * frame));
  });

  test('alpha weighs flicker against contour evidence', () => {
    const { gate, parameters } = create();
    // Biases alone: flicker evidence says σ(2), contour evidence σ(−1).
    set(parameters.get('dwt.gate3.hll.bias')!, new Float32Array(128).fill(2));
    set(parameters.get('dwt.gate3.tmp.bias')!, new Float32Array(128).fill(-1));
    const { evidence } = gate.forward(stem(), grid);
    const gated = applied(gate, 3, tf.ones([2 * 8 * 4, 128]), shrink(stage2Grid, 2), evidence);
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const want = 1 + 0.7 * sigmoid(2) + 0.3 * sigmoid(-1);
    expect(largestDifference(numbersOf(gated), Array(2 * 8 * 4 * 128).fill(want))).toBeLessThan(1e-6);
  });

  test('evidence of one segment does not see the other, nor one sample the next', () => {
    const { gate, parameters } = create();
    const values = seededValues(2 * 8 * 256 * 16, 2);
    const read = (given: Float32Array) => {
      const { evidence } = gate.forward(tf.tensor2d(given, [2 * 8 * 256, 16]), grid);
      return [evidence.hll, evidence.contour].map((map) => numbersOf(tf.slice(map, [0, 0, 0, 0], [2, -1, -1, -1])));
    };
    // Everything but segment 1 of sample 1, which owns coefficient frames 0 and 1.
    const changed = values.map((v, i) => (i < 4 * 256 * 16 ? v : -v));
    expect(read(changed)).toEqual(read(values));
    expect(read(values.map((v) => -v))).not.toEqual(read(values));
    // And what that evidence gates are the frames of that segment.
    for (const [name, variable] of parameters) {
      if (name.includes('gate')) set(variable, seededValues(variable.size, 3));
    }
    const gated = (given: Float32Array) => {
      const { evidence } = gate.forward(tf.tensor2d(given, [2 * 8 * 256, 16]), grid);
      const out = tf.reshape(applied(gate, 2, stage2(), stage2Grid, evidence), [2 * 8, -1]);
      return [numbersOf(tf.slice(out, [0, 0], [4, -1])), numbersOf(tf.slice(out, [4, 0], [12, -1]))];
    };
    const [before, after] = [gated(values), gated(changed)];
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
  });

  test('the convolution over frames reads before, at and after, and zeros beyond a segment', () => {
    const { gate, parameters } = create();
    const kernel = parameters.get('dwt.hll.kernel')!;
    set(
      kernel,
      seededValues(kernel.size, 5).map((v) => v / 10),
    );
    const zeroed = (tap: number) => {
      // Channel kt·C + ci, kt = 0 for the frame before: keep one tap only.
      const values = seededValues(kernel.size, 5).map((v, i) => (Math.floor(i / 16 / 16) % 3 === tap ? v / 10 : 0));
      set(kernel, values);
      return gate.forward(stem(), grid).evidence.hll;
    };
    // With the last tap alone, the last coefficient frame of each segment reads beyond its end: zero evidence.
    const last = tf.reshape(zeroed(2), [4, 2, -1]);
    expect(tf.max(tf.abs(tf.slice(last, [0, 1, 0], [-1, 1, -1]))).dataSync()[0]).toBe(0);
    expect(tf.max(tf.abs(tf.slice(last, [0, 0, 0], [-1, 1, -1]))).dataSync()[0]).toBeGreaterThan(0.01);
    const first = tf.reshape(zeroed(0), [4, 2, -1]);
    expect(tf.max(tf.abs(tf.slice(first, [0, 0, 0], [-1, 1, -1]))).dataSync()[0]).toBe(0);
    expect(tf.max(tf.abs(tf.slice(first, [0, 1, 0], [-1, 1, -1]))).dataSync()[0]).toBeGreaterThan(0.01);
  });
});
