import { expect, test } from 'vitest';
import { pretrainedSource } from '../../../model/trunk/pretrainedSource.js';

const own = { kind: 'package', name: 'efficientnet-lite0' };
const file = { kind: 'file', path: 'w.pt' };
const none = { kind: 'none' };

test.each([
  ['v73', null, none],
  ['v73', 'w.pt', none],
  ['convnextv2', null, none],
  ['convnextv2', 'w.pt', file],
  ['convnextv2', 'none', none],
  ['efficientnet_lite0', null, own],
  ['efficientnet_lite0', 'w.pt', file],
  ['efficientnet_lite0', 'none', none],
] as const)('%s with backbone_weights %s', (spatial_backbone, backbone_weights, source) => {
  expect(pretrainedSource({ spatial_backbone, backbone_weights })).toEqual(source);
});
