import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';

beforeAll(async () => {
  await startEngine();
});

it('makes each constant once, outlives the tidy that asked for it, and frees all when it is disposed', () => {
  const before = tf.memory().numTensors;
  const constants = new ConstantCache();
  let made = 0;
  const get = (key: string) => constants.get(key, () => tf.scalar(++made));
  tf.tidy(() => void get('wavelet 8'));
  tf.tidy(() => void get('wavelet 4'));
  expect([...get('wavelet 8').dataSync(), ...get('wavelet 4').dataSync()]).toEqual([1, 2]);
  expect(made).toBe(2);
  expect(tf.memory().numTensors).toBe(before + 2);
  constants.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
