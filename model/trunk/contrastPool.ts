import * as tf from '@tensorflow/tfjs';
import type { ConstantCache } from '../layers/constantCache.js';
import type { FeatureMap } from './spatialBackbone.js';

/**
 * The ellipse around the face in squares of 1.35 landmark spans (`sbi.square_side_eval`), in shares of the picture. A
 * choice of ours: landmarks reach to 0.37 above and below the middle, and faces are 0.8 as wide as high (measured, ours).
 */
const FACE = { x: 0.5, y: 0.52, halfWidth: 0.3, halfHeight: 0.4 } as const;
/** Places belong to the surroundings from this squared distance on, 1 being the ellipse itself. */
const BEYOND = 1.1;

/**
 * Means over the face less means over what surrounds it, `[B,T,C]`. What a person's video has all over, its sharpness,
 * noise and compression, is taken out so; of a blended face it is what does not agree with the rest.
 *
 * @param map at least 3 places high and wide, or none would lie in the face
 */
export function contrastPool(
  { features, grid: { batch, frames, height, width } }: FeatureMap,
  constants: ConstantCache,
): tf.Tensor3D {
  const maps = tf.reshape(features, [batch, frames, height * width, features.shape[1]]);
  const weights = constants.get(`contrast pool ${height} ${width}`, () =>
    tf.tensor4d(contrastWeights(height, width), [1, 1, height * width, 1]),
  );
  return tf.sum(tf.mul(maps, weights), 2);
}

/** Weights of the places of a map, row by row: positive in the face and of sum 1, negative around it and of sum −1. */
export function contrastWeights(height: number, width: number): number[] {
  const distances = Array.from({ length: height * width }, (_, i) => {
    const [x, y] = [((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height];
    return ((x - FACE.x) / FACE.halfWidth) ** 2 + ((y - FACE.y) / FACE.halfHeight) ** 2;
  });
  const inside = distances.filter((distance) => distance < 1).length;
  const around = distances.filter((distance) => distance >= BEYOND).length;
  return distances.map((distance) => (distance < 1 ? 1 / inside : distance >= BEYOND ? -1 / around : 0));
}
