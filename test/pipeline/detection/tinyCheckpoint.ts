import { join } from 'node:path';
import { float32 } from '../../../model/checkpoint/hostTensor.js';
import { debug, StfMamba, startEngine, writeCheckpoint } from '../../../model/index.js';
import { seededUniform } from '../../model/training/seededUniform.js';

/** As training writes it, of a validation that told fakes from real clips. */
export const CALIBRATION = { temperature: 0.8, pairs: 32, nll: 0.5, nll_uncalibrated: 0.6, auc: 0.87, step: 12 };

/** Writes an untrained network of the debug configuration, with more of a run's state where it is given. */
export async function writeTinyCheckpoint(folder: string, name: string, more: object = {}): Promise<string> {
  await startEngine('auto');
  const config = debug();
  const model = new StfMamba(config, seededUniform(3));
  const weights = [...model.parameters].map(([key, v]) => [key, float32(v.shape, v.dataSync<'float32'>())] as const);
  model.dispose();
  await writeCheckpoint(join(folder, name), new Map(weights), { config, phase: 'a', step: 12, ...more });
  return join(folder, `${name}.safetensors`);
}
