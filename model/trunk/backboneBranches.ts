import type { StfConfig } from '../config/stfConfig.js';
import { convNextVariants } from './convNextVariants.js';
import { residualBlocks } from './efficientNetLayout.js';

/** Residual branches of the backbone itself, which stochastic depth may drop. */
export function backboneBranches(config: Pick<StfConfig, 'spatial_backbone' | 'convnext_variant'>): number {
  switch (config.spatial_backbone) {
    case 'v73':
      return 0;
    case 'convnextv2':
      return convNextVariants[config.convnext_variant].depths.reduce((sum, depth) => sum + depth, 0);
    case 'efficientnet_lite0':
      return residualBlocks;
  }
}
