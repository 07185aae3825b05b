import * as tf from '@tensorflow/tfjs';
import type { FeatureMap } from './spatialBackbone.js';

/** Means over the positions of each frame, `[B,T,C]`. */
export function averagePool({ features, grid: { batch, frames, height, width } }: FeatureMap): tf.Tensor3D {
  return tf.mean(tf.reshape(features, [batch, frames, height * width, features.shape[1]]), 2);
}
