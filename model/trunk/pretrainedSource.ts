import type { StfConfig } from '../config/stfConfig.js';
import type { WeightsName } from '../engine/install/weightPins.js';

/** Where a backbone's first weights come from. */
export type PretrainedSource =
  | { kind: 'none' }
  /** A file of the user's. */
  | { kind: 'file'; path: string }
  /** ImageNet weights that set-up fetches. */
  | { kind: 'package'; name: WeightsName };

/** `backbone_weights` for "start from random weights", where a backbone would otherwise bring its own. */
export const NO_WEIGHTS = 'none';

/** The source that `spatial_backbone` and `backbone_weights` mean together. */
export function pretrainedSource({
  spatial_backbone,
  backbone_weights,
}: Pick<StfConfig, 'spatial_backbone' | 'backbone_weights'>): PretrainedSource {
  if (spatial_backbone === 'v73' || backbone_weights === NO_WEIGHTS) return { kind: 'none' };
  if (backbone_weights !== null) return { kind: 'file', path: backbone_weights };
  return spatial_backbone === 'efficientnet_lite0' ? { kind: 'package', name: 'efficientnet-lite0' } : { kind: 'none' };
}
