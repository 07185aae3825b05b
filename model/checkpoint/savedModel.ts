import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StfConfig } from '../config/stfConfig.js';
import { EngineError } from '../engine/engineError.js';
import { withoutOwnOperations } from '../engine/ownOperations.js';
import { StepRunner } from '../engine/recording/stepRunner.js';
import { graphRecorder } from '../engine/startEngine.js';
import { scoreStep } from '../evaluation/predict.js';
import type { StfMamba } from '../stfMamba.js';
import { writeAtomically } from './atomicFile.js';

/**
 * Writes a model as a TensorFlow SavedModel for scoring: `clips` uint8 `[count,T,H,W,3]` in, `probability`, `hll_ratio`
 * and `hll_energy`, float32 `[count]` each, out. It has TensorFlow's own operations only and its weights inside, so any
 * TensorFlow loads it, and nothing of ours is needed.
 *
 * @param folder is made where it is missing; `saved_model.pb` in it is replaced whole or not at all
 * @throws EngineError where the engine that runs cannot record graphs
 */
export async function writeSavedModel(
  folder: string,
  model: StfMamba,
  config: StfConfig,
  { count = 1 }: { count?: number } = {},
): Promise<void> {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Expected a positive integer for count but received ${count}`);
  }
  const recorder = graphRecorder();
  if (!recorder) throw new EngineError('a SavedModel is written by the native engine: run `npm run setup`');
  const { num_frames, img_size, in_channels } = config;
  const shape = [count, num_frames, img_size, img_size, in_channels];
  const runner = new StepRunner({ variables: () => [], recorder });
  try {
    const outputs = ['probability', 'hll_ratio', 'hll_energy'];
    const bytes = withoutOwnOperations(() =>
      runner.savedModel({ clips: { dtype: 'uint8', shape } }, outputs, scoreStep(model)),
    );
    await mkdir(folder, { recursive: true });
    await writeAtomically(join(folder, 'saved_model.pb'), bytes);
  } finally {
    runner.dispose();
  }
}
