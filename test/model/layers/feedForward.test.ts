import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { FeedForward } from '../../../model/layers/feedForward.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const [rows, channels, hidden] = [5, 6, 12];
const x = () => tf.tensor2d(seededValues(rows * channels, 9), [rows, channels]);

it('is W2·gelu(W1·LN(x)+b1)+b2, row by row', () => {
  const scope = ParameterScope.root(seededUniform(1));
  const branch = new FeedForward(scope, channels, 2);
  let seed = 20;
  for (const variable of scope.parameters.values())
    variable.assign(tf.tensor(seededValues(variable.size, seed++), variable.shape));
  const values = (name: string) => [...scope.parameters.get(name)!.dataSync()];
  const [gamma, beta] = [values('norm2.gamma'), values('norm2.beta')];
  const dense = (row: number[], layer: string, outputs: number) =>
    Array.from({ length: outputs }, (_, o) =>
      row.reduce((sum, v, i) => sum + v * values(`${layer}.kernel`)[i * outputs + o]!, values(`${layer}.bias`)[o]!),
    );
  const want = (x().arraySync() as number[][]).flatMap((row) => {
    const mean = row.reduce((sum, v) => sum + v) / channels;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / channels;
    const normalised = row.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-6)) * gamma[c]! + beta[c]!);
    const wide = dense(normalised, 'ffn1', hidden).map((v) => 0.5 * v * (1 + tf.erf(v / Math.SQRT2).dataSync()[0]!));
    return dense(wide, 'ffn2', channels);
  });
  expect(largestDifference(numbersOf(branch.forward(x())), want)).toBeLessThan(1e-5);
});

it('gives nothing at first where it is to begin as the identity', () => {
  const branch = new FeedForward(ParameterScope.root(seededUniform(1)), channels, 2, true);
  expect(Math.max(...numbersOf(branch.forward(x())).map(Math.abs))).toBe(0);
});
