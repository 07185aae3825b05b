import type { StfConfig } from '../../model/index.js';

/** What is switched on in the configuration but not part of this version; the run says so and goes on without. */
export function notAvailable(config: StfConfig): string[] {
  const missing = [
    config.grad_checkpoint && 'training.grad_checkpoint: activations are kept; use a smaller data.batch_size',
  ];
  return missing.filter((text) => text !== false).map((text) => `not available in this version: ${text}`);
}
