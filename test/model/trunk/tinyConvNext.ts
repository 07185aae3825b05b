import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { decodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { averagePool } from '../../../model/trunk/averagePool.js';
import { ConvNextV2 } from '../../../model/trunk/convNextV2.js';
import type { ConvNextLayout } from '../../../model/trunk/convNextVariants.js';
import { seededUniform } from '../seededUniform.js';

/** The network of test/fixtures/scripts/convnextv2.py. */
const tiny: ConvNextLayout = { depths: [1, 1, 2, 1], widths: [8, 12, 16, 20] };
export const SIZE = 64;
export const IMAGES = 2;

export const fixture = (name: string) => new URL(`../../fixtures/model/${name}`, import.meta.url).pathname;

export const readFixture = (name: string): Map<string, HostTensor> =>
  decodeSafetensors(readFileSync(fixture(name))).tensors;

/** The pixels of the script's formula, `[2,64,64,3]`. */
export function formulaFrames(): tf.Tensor4D {
  const values = new Float32Array(IMAGES * SIZE * SIZE * 3);
  let i = 0;
  for (let n = 0; n < IMAGES; n++)
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++)
        for (let c = 0; c < 3; c++) values[i++] = (x * 7 + y * 13 + c * 29 + n * 57 + x * y) % 256;
  return tf.tensor4d(values, [IMAGES, SIZE, SIZE, 3]);
}

/** A tiny ConvNeXt V2 with random parameters and its layers in order. */
export function createTinyConvNext(change: Partial<StfConfig> = {}) {
  const scope = ParameterScope.root(seededUniform(7));
  const config: StfConfig = { ...debug(), spatial_backbone: 'convnextv2', ...change };
  const backbone = new ConvNextV2(scope.within('backbone'), config, tiny);
  const stem = backbone.createStem();
  const stages = ([1, 2, 3] as const).map((number) => backbone.createStage(number));
  const pool = backbone.createPool(averagePool);
  const mode = { nextMask: () => undefined, training: true };
  const pixels = { batch: 1, frames: IMAGES, height: SIZE, width: SIZE, segments: 1 };
  const forward = (frames: tf.Tensor4D) => {
    const maps = [stem(frames, pixels, mode)];
    for (const stage of stages) maps.push(stage(maps[maps.length - 1], mode));
    return { maps, pooled: pool(maps[3], mode) };
  };
  return { parameters: scope.parameters, forward };
}
