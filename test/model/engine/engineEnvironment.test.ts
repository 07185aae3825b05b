import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setEngineEnvironment } from '../../../model/engine/engineEnvironment.js';

const VARIABLES = ['TF_CPP_MIN_LOG_LEVEL', 'TF_FORCE_GPU_ALLOW_GROWTH', 'TF_NUM_INTRAOP_THREADS'];
beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});
const values = () => VARIABLES.map((name) => process.env[name]);

it('makes a GPU’s memory grow as it is needed, TensorFlow quiet and its threads as many as asked for', () => {
  setEngineEnvironment();
  expect(values()).toEqual(['2', 'true', undefined]);
  setEngineEnvironment(3);
  expect(values()).toEqual(['2', 'true', '3']);
});

it('leaves alone what the user has set', () => {
  vi.stubEnv('TF_CPP_MIN_LOG_LEVEL', '0');
  vi.stubEnv('TF_FORCE_GPU_ALLOW_GROWTH', 'false');
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', '5');
  setEngineEnvironment(3);
  expect(values()).toEqual(['0', 'false', '5']);
});

it.each([0, 1.5, Number.NaN])('refuses %s threads', (threads) => {
  expect(() => setEngineEnvironment(threads)).toThrow('Expected a positive integer for threads');
});
