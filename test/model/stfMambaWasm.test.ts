import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../../model/engine/startEngine.js';
import { lossParts } from '../../model/stfMamba.js';
import { debugFixture, fixtureClips, fixtureConfigs, fixtureLabels, fixtureModel } from './debugFixture.js';
import { largestDifference } from './differences.js';

beforeAll(async () => {
  await startEngine('wasm');
});

test('Phase B on the wasm engine: logits, losses and gradients of the PyTorch implementation', () => {
  const want = debugFixture.b;
  const model = fixtureModel('b');
  const [clips, labels] = [fixtureClips(), fixtureLabels()];
  expect(tf.getBackend()).toBe('wasm');
  const output = model.forward(clips);
  expect(largestDifference(output.logits.dataSync(), want.logits.flat())).toBeLessThan(5e-5);
  const { value, grads } = tf.variableGrads(() => lossParts(model.forward(clips), labels, fixtureConfigs.b).total);
  expect(Math.abs(value.dataSync()[0] - want.loss.total)).toBeLessThan(1e-5);
  for (const [name, variable] of model.parameters) {
    const { norm } = want.gradients[name];
    const got = Math.hypot(...grads[variable.name].dataSync());
    expect(Math.abs(got - norm), name).toBeLessThanOrEqual(5e-4 * norm);
  }
  model.dispose();
}, 60_000);
