import type * as tf from '@tensorflow/tfjs';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { BranchMask } from '../layers/residual.js';

/** A folded feature map: rows `[B·T·H·W, C]` and how they lie. */
export type FeatureMap = { features: tf.Tensor2D; grid: ClipGrid };

/** What a training step brings along; inference has neither masks nor statistics of its batch. */
export type StepMode = {
  /** Yields the mask of each residual branch in turn, in depth order. */
  nextMask: () => BranchMask;
  training: boolean;
};

/** f0 of frames `[B·T,H,W,3]`, 0..255; `pixels` is their grid. */
export type StemLayer = (frames: tf.Tensor4D, pixels: ClipGrid, mode: StepMode) => FeatureMap;
/** f1, f2 or f3 from the (gated) map before it. */
export type StageLayer = (map: FeatureMap, mode: StepMode) => FeatureMap;
/** One token a frame from a map, `[B,T,C]`. */
export type FramePool = (map: FeatureMap) => tf.Tensor3D;
/** One token a frame from the gated f3, `[B,T,pooledWidth]`. */
export type PoolLayer = (map: FeatureMap, mode: StepMode) => tf.Tensor3D;

/**
 * The part of the trunk that sees one frame at a time: four maps at strides 4, 8, 16 and 32. Between them the trunk
 * puts its contour convolutions and gates, so that each stage continues from a gated map. Layers are created by the
 * trunk, in depth order, each once.
 */
export interface SpatialBackbone {
  /** Channels of the maps f0, f1, f2, f3. */
  readonly widths: readonly [number, number, number, number];
  /** Channels of a pooled token. */
  readonly pooledWidth: number;
  /** Whether contour convolutions start as identities, so that pretrained features pass unharmed. */
  readonly identityAdapters: boolean;
  createStem(): StemLayer;
  createStage(number: 1 | 2 | 3): StageLayer;
  createPool(pool: FramePool): PoolLayer;
}
