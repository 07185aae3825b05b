/** A group of blocks of one width; the first of them has the stride. */
export type BlockGroup = { repeats: number; kernel: number; stride: 1 | 2; expansion: number; outputs: number };

/** Channels of the stem, whose stride is 2, and of the last layer before pooling. */
export const STEM_WIDTH = 32;
export const HEAD_WIDTH = 1280;

/** EfficientNet-Lite0: EfficientNet-B0 (Tan and Le, 2019, table 1) without squeeze-and-excitation, with ReLU6. */
export const blockGroups: readonly BlockGroup[] = [
  { repeats: 1, kernel: 3, stride: 1, expansion: 1, outputs: 16 },
  { repeats: 2, kernel: 3, stride: 2, expansion: 6, outputs: 24 },
  { repeats: 2, kernel: 5, stride: 2, expansion: 6, outputs: 40 },
  { repeats: 3, kernel: 3, stride: 2, expansion: 6, outputs: 80 },
  { repeats: 3, kernel: 5, stride: 1, expansion: 6, outputs: 112 },
  { repeats: 4, kernel: 5, stride: 2, expansion: 6, outputs: 192 },
  { repeats: 1, kernel: 3, stride: 1, expansion: 6, outputs: 320 },
];

/** The groups that lead to the maps f0, f1, f2 and f3, each the last of its stride (4, 8, 16, 32). */
export const stageGroups: readonly (readonly number[])[] = [[0, 1], [2], [3, 4], [5, 6]];

/** Blocks that add their input to their output: all but the first of each group, which changes the width. */
export const residualBlocks = blockGroups.reduce((sum, { repeats }) => sum + repeats - 1, 0);
