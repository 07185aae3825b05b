import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { averagePool } from './averagePool.js';
import { contrastPool } from './contrastPool.js';
import type { FramePool } from './spatialBackbone.js';

/** How `model.frame_pooling` makes one token of a frame's map. */
export const framePool = ({ frame_pooling }: StfConfig, constants: ConstantCache): FramePool =>
  frame_pooling === 'contrast' ? (map) => contrastPool(map, constants) : averagePool;
