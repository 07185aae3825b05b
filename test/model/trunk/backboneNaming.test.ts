import { describe, expect, test } from 'vitest';
import { efficientNetNamings } from '../../../model/trunk/backboneNaming.js';

describe('names of efficientnet-lite-pytorch in those of timm', () => {
  const { rename } = efficientNetNamings[0]!;

  test('sixteen blocks, numbered through there, by group and place here', () => {
    // Groups of 1, 2, 2, 3, 3, 4 and 1 blocks (Tan and Le, 2019, table 1).
    const places = ['0.0', '1.0', '1.1', '2.0', '2.1', '3.0', '3.1', '3.2', '4.0', '4.1', '4.2']
      .concat(['5.0', '5.1', '5.2', '5.3', '6.0'])
      .map((place) => `blocks.${place}.conv_dw.weight`);
    expect(places.map((_, i) => rename(`_blocks.${i}._depthwise_conv.weight`))).toEqual(places);
    expect(rename('_blocks.16._depthwise_conv.weight')).toBeUndefined();
  });

  test('layers of the first block, which does not widen, and of the others', () => {
    const layers = ['_expand_conv', '_bn0', '_depthwise_conv', '_bn1', '_project_conv', '_bn2'];
    const renamed = (block: number) => layers.map((layer) => rename(`_blocks.${block}.${layer}.weight`)?.split('.')[3]);
    expect(renamed(0)).toEqual([undefined, undefined, 'conv_dw', 'bn1', 'conv_pw', 'bn2']);
    expect(renamed(1)).toEqual(['conv_pw', 'bn1', 'conv_dw', 'bn2', 'conv_pwl', 'bn3']);
  });

  test('layers outside of blocks; the classifier is left out', () => {
    expect(
      ['_conv_stem.weight', '_bn0.running_mean', '_conv_head.weight', '_bn1.bias', '_fc.weight'].map(rename),
    ).toEqual(['conv_stem.weight', 'bn1.running_mean', 'conv_head.weight', 'bn2.bias', undefined]);
  });
});
