import { expect, test } from 'vitest';
import { backboneBranches } from '../../../model/trunk/backboneBranches.js';
import { convNextVariants } from '../../../model/trunk/convNextVariants.js';

test.each([
  // Woo et al., ConvNeXt V2, 2023, appendix A: blocks B and channels C of the stages.
  ['atto', [2, 2, 6, 2], [40, 80, 160, 320]],
  ['femto', [2, 2, 6, 2], [48, 96, 192, 384]],
  ['pico', [2, 2, 6, 2], [64, 128, 256, 512]],
  ['nano', [2, 2, 8, 2], [80, 160, 320, 640]],
  ['tiny', [3, 3, 9, 3], [96, 192, 384, 768]],
  ['base', [3, 3, 27, 3], [128, 256, 512, 1024]],
] as const)('ConvNeXt V2 %s has the published stages, one residual branch a block', (variant, depths, widths) => {
  expect(convNextVariants[variant]).toEqual({ depths, widths });
  const branches = backboneBranches({ spatial_backbone: 'convnextv2', convnext_variant: variant });
  expect(branches).toBe(depths[0] + depths[1] + depths[2] + depths[3]);
});

test('the native trunk has no residual branches of its own, EfficientNet-Lite0 nine', () => {
  expect(backboneBranches({ spatial_backbone: 'v73', convnext_variant: 'femto' })).toBe(0);
  // Groups of 1, 2, 2, 3, 3, 4 and 1 blocks, the first of each without.
  expect(backboneBranches({ spatial_backbone: 'efficientnet_lite0', convnext_variant: 'femto' })).toBe(9);
});
