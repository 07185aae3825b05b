import type { StfConfig } from './configSchema.js';

const featureNames = [
  ['use_contrastive_hll', 'ContrastiveHLL'],
  ['use_compression_aug', 'CompressionAug'],
  ['use_multiscale_drift', 'MultiScaleDrift'],
  ['use_hll_normalization', 'HLLNorm'],
  ['use_hydra', 'Hydra'],
  ['use_mamer', 'Mamer'],
  ['use_wss', 'W-SS'],
  ['use_adaptive_sdim', 'AdaptiveSDim'],
] as const;

/** One line for logs: `Phase A (V7.3+fixes): [ContrastiveHLL, …]`. */
export function describe(config: StfConfig): string {
  const mode = config.use_hydra
    ? 'Phase B (V8.0)'
    : config.use_contrastive_hll
      ? 'Phase A (V7.3+fixes)'
      : 'Baseline V7.3';
  const features = featureNames.filter(([flag]) => config[flag]).map(([, name]) => name);
  return `${mode}: [${features.join(', ') || 'none'}]`;
}
