import { readFile } from 'node:fs/promises';
import { averagedWeights } from './checkpoint/averagedWeights.js';
import { CheckpointError } from './checkpoint/checkpointError.js';
import { readCheckpoint } from './checkpoint/checkpointFile.js';
import { savedConfig } from './checkpoint/configDifferences.js';
import { loadWeights } from './checkpoint/loadWeights.js';
import { writeSavedModel } from './checkpoint/savedModel.js';
import { ConfigError, resolveConfig, type StfConfig } from './config/stfConfig.js';
import { type EngineInfo, startEngine } from './engine/startEngine.js';
import { predict } from './evaluation/predict.js';
import { type Calibration, calibrationOf } from './evaluation/temperature.js';
import { StfMamba } from './stfMamba.js';
import { createStepRunner } from './training/createStepRunner.js';

export type DetectorOptions = {
  /** A `.safetensors` file. */
  checkpoint: string;
  /** Path of a YAML file, or settings (sectioned or flat), for a checkpoint that carries none or to replace its own. */
  config?: string | object;
  /** What computes; chosen by itself unless given. */
  engine?: Parameters<typeof startEngine>[0];
};

export type Score = {
  /** Probability that the clip is fake, in [0,1], as the network gives it: not calibrated. */
  probability: number;
  /** Root mean square of the clip's temporal-high, spatial-low wavelet band. */
  hllEnergy: number;
  /** Share of that band in the energy of all bands, in [0,1]; 0.354 for white noise. */
  hllRatio: number;
};

export type Detector = {
  readonly config: StfConfig;
  readonly engine: EngineInfo;
  /** What the run stored beside the weights (phase, step and such); null where the file carries nothing. */
  readonly state: Readonly<Record<string, unknown>> | null;
  /** What validation says of `score`'s probabilities, for `calibrated(probability, temperature)`; null where unknown. */
  readonly calibration: Calibration | null;
  /** Scores one clip of face crops, uint8 RGB `[T,H,W,3]` with `T = num_frames`, `H = W = img_size`. */
  score(clip: Uint8Array): Score;
  /** Scores `count` clips at once, `[count,T,H,W,3]`. Equal to `score` of each but for rounding. */
  scoreBatch(clips: Uint8Array, count: number): Score[];
  /** Writes the detector as a TensorFlow SavedModel that scores `count` clips at a time (one unless given). */
  exportSavedModel(folder: string, options?: { count?: number }): Promise<void>;
  /** Frees the model's memory. */
  dispose(): void;
};

/**
 * Loads a trained detector, with the moving averages of its weights where it was trained with such. Throws CheckpointError when the file cannot be used or does not fit the configuration,
 * ConfigError when the configuration is wrong.
 */
export async function loadDetector({ checkpoint, config: given, engine = 'auto' }: DetectorOptions): Promise<Detector> {
  const { tensors, state } = await readCheckpoint(checkpoint);
  const config = given === undefined ? await ownConfig(checkpoint, state) : await givenConfig(given);
  const engineInfo = await startEngine(engine, config.engine);
  // Every weight is replaced at once, so the draws do not matter.
  const model = new StfMamba(config, () => 0.5);
  try {
    loadWeights(model, averagedWeights(tensors), 'strict');
  } catch (error) {
    model.dispose();
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${checkpoint} does not fit the configuration: ${error.message}`, { cause: error });
  }
  const runner = createStepRunner(config, () => [...model.parameters.values()]);
  const scoreBatch = (clips: Uint8Array, count: number): Score[] => {
    const { probability, hllEnergy, hllRatio } = predict(model, config, clips, count, runner);
    return Array.from({ length: count }, (_, i) => ({
      probability: probability[i]!,
      hllEnergy: hllEnergy[i]!,
      hllRatio: hllRatio[i]!,
    }));
  };
  return {
    config,
    engine: engineInfo,
    state,
    calibration: calibrationOf(state),
    score: (clip) => scoreBatch(clip, 1)[0]!,
    scoreBatch,
    exportSavedModel: (folder, options) => writeSavedModel(folder, model, config, options),
    dispose() {
      runner.dispose();
      model.dispose();
    },
  };
}

async function givenConfig(given: string | object): Promise<StfConfig> {
  if (typeof given !== 'string') return resolveConfig({ object: given }).config;
  let text: string;
  try {
    text = await readFile(given, 'utf8');
  } catch (error) {
    throw new ConfigError([{ path: '', message: `cannot read ${given}: ${(error as Error).message}` }]);
  }
  return resolveConfig({ yaml: { text, file: given } }).config;
}

/** The configuration that the checkpoint carries, or the one in the JSON file beside it. */
async function ownConfig(checkpoint: string, state: Record<string, unknown> | null): Promise<StfConfig> {
  if (state?.config !== undefined) return savedConfig(state.config, checkpoint);
  const beside = checkpoint.replace(/(\.safetensors)?$/, '.json');
  let content: unknown;
  try {
    content = JSON.parse(await readFile(beside, 'utf8'));
  } catch (error) {
    throw new CheckpointError(
      `${checkpoint} carries no configuration and ${beside} cannot be read (${(error as Error).message}): ` +
        'give the `config` that it was trained with',
      { cause: error },
    );
  }
  const inner = (content as { config?: unknown } | null)?.config;
  return savedConfig(inner ?? content, beside);
}
