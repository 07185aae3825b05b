import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from './config/stfConfig.js';
import type { UniformSource } from './layers/initializers.js';
import { pnStageLayout } from './temporal/pnStage.js';
import { backboneBranches } from './trunk/backboneBranches.js';

/** Random factors of one training step, drawn outside the model so that a step is a function of its inputs. */
export type TrainingMasks = {
  /** Stochastic depth, `[branches, B]`: 0 or 1/(1−p) of the branch. */
  dropPath: tf.Tensor2D;
  /** Dropout before the classifier, `[B, stage4_dim]`: 0 or 1/(1−p). */
  dropout: tf.Tensor2D;
};

/** Contour, Bi-Mamba, transformer and Mamer blocks have two residual branches. */
const BRANCHES_PER_BLOCK = 2;
/** Parallel paths under one gate are one branch. */
const BRANCHES_PER_PN_BLOCK = 1;

/** Drop probability of each residual branch in depth order: linear from 0 to `drop_path`, both included. */
export function dropPathRates(config: StfConfig): number[] {
  const trunk = backboneBranches(config) + BRANCHES_PER_BLOCK * (config.stage1_blocks + config.stage2_blocks);
  const branches = trunk + (config.use_hydra ? cascadeBranches(config) : stageBranches(config));
  return Array.from({ length: branches }, (_, i) => (config.drop_path * i) / Math.max(branches - 1, 1));
}

/** Bi-Mamba and transformer of V7.3. */
function stageBranches({ stage3_blocks, stage4_blocks }: StfConfig): number {
  return BRANCHES_PER_BLOCK * (stage3_blocks + stage4_blocks);
}

/** The four PN stages of V8. */
function cascadeBranches(config: StfConfig): number {
  const blocks = [config.stage1_blocks, config.stage2_blocks, config.stage3_blocks, config.stage4_blocks];
  return blocks.reduce((sum, own) => {
    const { pn, mamer } = pnStageLayout(config, own);
    return sum + BRANCHES_PER_PN_BLOCK * pn + (mamer ? BRANCHES_PER_BLOCK : 0);
  }, 0);
}

/** The numbers of masks, in host memory. */
export type MaskValues = Record<keyof TrainingMasks, { shape: [number, number]; values: Float32Array }>;

/**
 * Draws the masks of one step: branch by branch, sample by sample, then the dropout row by row.
 *
 * @param batch samples of the micro-batch
 */
export function drawMaskValues(config: StfConfig, batch: number, uniform: UniformSource): MaskValues {
  const keep = (rate: number) => (uniform() < rate ? 0 : 1 / (1 - rate));
  const rates = dropPathRates(config);
  const dropPath = Float32Array.from({ length: rates.length * batch }, (_, i) => keep(rates[Math.floor(i / batch)]));
  const dropout = Float32Array.from({ length: batch * config.stage4_dim }, () => keep(config.dropout));
  return {
    dropPath: { shape: [rates.length, batch], values: dropPath },
    dropout: { shape: [batch, config.stage4_dim], values: dropout },
  };
}

/** The masks of samples `from..from+count` of a micro-batch. */
export function sliceMaskValues({ dropPath, dropout }: MaskValues, from: number, count: number): MaskValues {
  const [branches, batch] = dropPath.shape;
  const width = dropout.shape[1];
  const kept = new Float32Array(branches * count);
  for (let b = 0; b < branches; b++)
    kept.set(dropPath.values.subarray(b * batch + from, b * batch + from + count), b * count);
  return {
    dropPath: { shape: [branches, count], values: kept },
    dropout: { shape: [count, width], values: dropout.values.slice(from * width, (from + count) * width) },
  };
}

/** The same as tensors. */
export function drawTrainingMasks(config: StfConfig, batch: number, uniform: UniformSource): TrainingMasks {
  const { dropPath, dropout } = drawMaskValues(config, batch, uniform);
  return {
    dropPath: tf.tensor2d(dropPath.values, dropPath.shape),
    dropout: tf.tensor2d(dropout.values, dropout.shape),
  };
}
