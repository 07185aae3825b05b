import type { StfConfig } from '../config/stfConfig.js';

type PerStage = readonly [number, number, number, number];

/** Blocks and channels of each stage. */
export type ConvNextLayout = { depths: PerStage; widths: PerStage };

/** The published sizes (Woo et al., ConvNeXt V2, 2023). */
export const convNextVariants: Record<StfConfig['convnext_variant'], ConvNextLayout> = {
  atto: { depths: [2, 2, 6, 2], widths: [40, 80, 160, 320] },
  femto: { depths: [2, 2, 6, 2], widths: [48, 96, 192, 384] },
  pico: { depths: [2, 2, 6, 2], widths: [64, 128, 256, 512] },
  nano: { depths: [2, 2, 8, 2], widths: [80, 160, 320, 640] },
  tiny: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
  base: { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024] },
};
