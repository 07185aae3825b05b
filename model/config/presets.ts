import type { StfConfig } from './configSchema.js';
import { defaultConfig } from './defaults.js';

export type Preset = 'baseline' | 'a' | 'b' | 'debug';

/** V7.3 as it was: every feature off. */
export const baseline = (): StfConfig => defaultConfig();

/** V7.3's network with the four corrections of loss and augmentation. `gpu` names the machine that is paid for. */
export function phaseA(gpu = 'a100'): StfConfig {
  const config = defaultConfig();
  config.use_contrastive_hll = true;
  config.use_compression_aug = true;
  config.use_multiscale_drift = true;
  config.use_hll_normalization = true;
  if (gpu.toLowerCase().includes('4090')) {
    config.cost_per_hour = 0.39;
    config.grad_accum = 4; // less memory: smaller batches, more of them
  }
  return config;
}

/** V8.0: Phase A's corrections and the four new parts of the network, at a lower rate for fine-tuning. */
export function phaseB(gpu = 'a100'): StfConfig {
  const config = phaseA(gpu);
  config.use_hydra = true;
  config.use_mamer = true;
  config.use_wss = true;
  config.use_adaptive_sdim = true;
  config.lr = 1e-4;
  config.num_epochs = 50;
  return config;
}

/** The smallest network that has every part, for tests and machines without an accelerator. */
export const debug = (): StfConfig => ({
  ...defaultConfig(),
  num_frames: 4,
  num_segments: 1,
  frames_per_segment: 4,
  img_size: 64,
  stem_dim: 16,
  stage1_dim: 32,
  stage2_dim: 64,
  stage3_dim: 128,
  stage4_dim: 128,
  stage1_blocks: 1,
  stage2_blocks: 1,
  stage3_blocks: 1,
  stage4_blocks: 1,
  d_state: 4,
  dwt_channels: 16,
  dwt_hidden_dim: 16,
});

export function presetConfig(preset: Preset, gpu?: string): StfConfig {
  switch (preset) {
    case 'baseline':
      return baseline();
    case 'a':
      return phaseA(gpu);
    case 'b':
      return phaseB(gpu);
    case 'debug':
      return debug();
  }
}
