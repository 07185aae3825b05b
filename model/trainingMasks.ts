import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from './config/stfConfig.js';
import type { UniformSource } from './layers/initializers.js';

/** Random factors of one training step, drawn outside the model so that a step is a function of its inputs. */
export type TrainingMasks = {
  /** Stochastic depth, `[branches, B]`: 0 or 1/(1−p) of the branch. */
  dropPath: tf.Tensor2D;
  /** Dropout before the classifier, `[B, stage4_dim]`: 0 or 1/(1−p). */
  dropout: tf.Tensor2D;
};

/** Every block of the trunk, the Bi-Mamba and the transformer stage has two residual branches. */
const BRANCHES_PER_BLOCK = 2;

/** Drop probability of each residual branch in depth order: linear from 0 to `drop_path`, both included. */
export function dropPathRates(config: StfConfig): number[] {
  const blocks = config.stage1_blocks + config.stage2_blocks + config.stage3_blocks + config.stage4_blocks;
  const branches = BRANCHES_PER_BLOCK * blocks;
  return Array.from({ length: branches }, (_, i) => (config.drop_path * i) / Math.max(branches - 1, 1));
}

/**
 * Draws the masks of one step: branch by branch, sample by sample, then the dropout row by row.
 *
 * @param batch samples of the micro-batch
 */
export function drawTrainingMasks(config: StfConfig, batch: number, uniform: UniformSource): TrainingMasks {
  const keep = (rate: number) => (uniform() < rate ? 0 : 1 / (1 - rate));
  const rates = dropPathRates(config);
  const dropPath = Float32Array.from({ length: rates.length * batch }, (_, i) => keep(rates[Math.floor(i / batch)]));
  const dropout = Float32Array.from({ length: batch * config.stage4_dim }, () => keep(config.dropout));
  return {
    dropPath: tf.tensor2d(dropPath, [rates.length, batch]),
    dropout: tf.tensor2d(dropout, [batch, config.stage4_dim]),
  };
}
