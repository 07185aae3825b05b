import type { StfConfig } from '../config/stfConfig.js';
import { pretrainedSource } from './pretrainedSource.js';

/**
 * How many of a backbone's four stages keep the weights that were loaded, the stem with the first of them. Without
 * loaded weights none: random features that never learn would be of no use.
 */
export const frozenStages = (config: StfConfig): number =>
  pretrainedSource(config).kind === 'none' ? 0 : config.backbone_freeze_stages;
