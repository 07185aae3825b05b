import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseline, ConfigError, resolveConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { contrastPool, contrastWeights } from '../../../model/trunk/contrastPool.js';
import { framePool } from '../../../model/trunk/framePool.js';
import { numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

/** A map `[2·3·side·side, 4]` whose rows `value` makes. */
function mapOf(side: number, value: (frame: number, x: number, y: number, c: number) => number) {
  const grid = { batch: 2, frames: 3, height: side, width: side, segments: 1 };
  const rows = Array.from({ length: 6 * side * side }, (_, row) => {
    const place = row % (side * side);
    return [0, 1, 2, 3].map((c) => value(Math.floor(row / side ** 2), place % side, Math.floor(place / side), c));
  });
  return { features: tf.tensor2d(rows), grid };
}

describe('contrastPool', () => {
  it.each([3, 5, 7, 10, 20, 28])('a map of side %i: what is the same all over leaves nothing', (side) => {
    const levels = seededValues(24, 2);
    const pooled = contrastPool(
      mapOf(side, (frame, _x, _y, c) => levels[frame * 4 + c]!),
      new ConstantCache(),
    );
    expect(pooled.shape).toEqual([2, 3, 4]);
    for (const value of numbersOf(pooled)) expect(Math.abs(value)).toBeLessThan(1e-5);
  });

  it('gives what the middle has more than the rim, and nothing of a slope', () => {
    const side = 20;
    const level = (_: number, x: number, y: number, c: number): number => {
      const isMiddle = x >= 8 && x < 12 && y >= 8 && y < 12;
      const isRim = x === 0 || y === 0 || x === side - 1 || y === side - 1;
      return [isMiddle ? 5 : 0, isRim ? 5 : 0, x, 1][c]!;
    };
    const [middle, rim, slope, flat] = numbersOf(contrastPool(mapOf(side, level), new ConstantCache()));
    // All 16 places lie in the ellipse, whose area is 0.377 of the picture.
    const inside = contrastWeights(side, side).filter((weight) => weight > 0).length;
    expect(Math.abs(inside - Math.PI * 0.3 * 0.4 * side ** 2)).toBeLessThan(8);
    expect(middle).toBeCloseTo((5 * 16) / inside, 5);
    expect(rim).toBeLessThan(-1);
    expect(slope).toBeCloseTo(0, 5); // the ellipse lies in the middle from side to side
    expect(flat).toBeCloseTo(0, 6);
  });

  it('is asked for by model.frame_pooling, on maps that it can be had from', () => {
    const map = mapOf(3, (_frame, x, y) => (x === 1 && y === 1 ? 1 : 0));
    const pooledBy = (frame_pooling: 'mean' | 'contrast') =>
      numbersOf(framePool({ ...baseline(), frame_pooling }, new ConstantCache())(map))[0];
    expect(pooledBy('mean')).toBeCloseTo(1 / 9, 6);
    expect(pooledBy('contrast')).toBeCloseTo(1 / 3, 6); // of the middle column, which lies in the ellipse
    const config = (img_size: number, framing = 'square') => ({
      model: { frame_pooling: 'contrast' },
      data: { img_size },
      sbi: { framing },
      training: { amp_dtype: 'float32' },
    });
    expect(resolveConfig({ object: config(96) })).toMatchObject({
      config: { frame_pooling: 'contrast' },
      warnings: [],
    });
    expect(resolveConfig({ object: config(96, 'detector') }).warnings).toEqual([
      'model.frame_pooling: contrast expects the face where sbi.framing: square puts it, and framing is detector',
    ]);
    expect(() => resolveConfig({ object: config(64) })).toThrow(ConfigError);
    expect(() => resolveConfig({ object: config(64) })).toThrow(/model.frame_pooling.*at least 96.*received 64/);
  });
});
