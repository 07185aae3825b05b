import { ConfigError, resolveConfig, type StfConfig, toSections } from '../config/stfConfig.js';
import { CheckpointError } from './checkpointError.js';

export type ConfigDifference = { path: string; saved: unknown; current: unknown };

/** Settings of the model section that leave the network as it is. */
const modelSettings = [
  'dropout',
  'drop_path',
  'hll_fusion_alpha',
  'adaptive_gamma_init',
  'backbone_weights',
  'backbone_freeze_stages',
  'backbone_batch_norm',
];
const networkFeatures = ['use_hydra', 'use_mamer', 'use_wss', 'use_adaptive_sdim'];
const networkInput = ['img_size', 'num_frames', 'num_segments', 'frames_per_segment'];

/** Whether a setting, by its YAML path, decides which network is built or what goes into it. */
export function shapesNetwork(path: string): boolean {
  const [section, key] = path.split('.') as [string, string];
  if (section === 'model') return !modelSettings.includes(key);
  return (
    (section === 'features' && networkFeatures.includes(key)) || (section === 'data' && networkInput.includes(key))
  );
}

/** Every setting in which two configurations differ, by its YAML path. */
export function configDifferences(saved: StfConfig, current: StfConfig): ConfigDifference[] {
  const [before, now] = [toSections(saved), toSections(current)];
  return Object.entries(now).flatMap(([section, settings]) =>
    Object.entries(settings).flatMap(([key, value]) => {
      const other = before[section as keyof typeof before][key];
      return JSON.stringify(other) === JSON.stringify(value)
        ? []
        : [{ path: `${section}.${key}`, saved: other, current: value }];
    }),
  );
}

/**
 * Refuses a checkpoint whose network is not the one that `current` describes. `saved` is the configuration that the
 * checkpoint carries. Returns the remaining differences, which may be meant.
 */
export function checkSameNetwork(saved: unknown, current: StfConfig, file: string): ConfigDifference[] {
  const differences = configDifferences(savedConfig(saved, file), current);
  const network = differences.filter(({ path }) => shapesNetwork(path));
  if (network.length > 0) {
    const lines = network.map(
      (d) => `${d.path}: ${JSON.stringify(d.saved)} in the checkpoint, ${JSON.stringify(d.current)} here`,
    );
    throw new CheckpointError(`checkpoint ${file} is of another configuration:\n  ${lines.join('\n  ')}`);
  }
  return differences;
}

/** The configuration that a checkpoint carries, checked. */
export function savedConfig(saved: unknown, file: string): StfConfig {
  // Of nothing, the defaults would come, and be taken for what the checkpoint was trained with.
  if (typeof saved !== 'object' || saved === null) {
    throw new CheckpointError(`checkpoint ${file} carries no configuration`);
  }
  try {
    return resolveConfig({ object: saved }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(`checkpoint ${file} carries a configuration of another version: ${error.message}`, {
      cause: error,
    });
  }
}
