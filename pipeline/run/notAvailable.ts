import type { StfConfig } from '../../model/index.js';

/** What is switched on in the configuration but not part of this version; the run says so and goes on without. */
export function notAvailable(config: StfConfig): string[] {
  const missing = [
    config.use_compression_aug && 'features.use_compression_aug (H.264): clips are compressed as JPEG only',
    config.use_multiscale_drift && 'features.use_multiscale_drift: masks drift as in V7.3',
    config.grad_checkpoint && 'training.grad_checkpoint: activations are kept; use a smaller data.batch_size',
    config.vfr_prob > 0 && 'sbi.vfr_prob: frame rates stay as they are',
    (config.blend_weights.poisson > 0 || config.blend_weights.laplacian > 0) &&
      'sbi.blend_weights: all blends are alpha blends',
  ];
  return missing.filter((text) => text !== false).map((text) => `not available in this version: ${text}`);
}
