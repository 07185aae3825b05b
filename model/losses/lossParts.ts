import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import { inPlace } from '../engine/recording/place.js';
import { flickerRatio } from '../wavelet/bandEnergy.js';
import { crossEntropy, frameCrossEntropy } from './crossEntropy.js';
import { contrastiveFlickerLoss, type FlickerLoss, realFlickerLoss } from './flickerLoss.js';
import { pairRankingLoss } from './pairRankingLoss.js';

/** What a model says about a batch of clips. */
export type ModelOutput = {
  /** `[B,2]`: real, fake. */
  logits: tf.Tensor2D;
  /** Root mean square of the HLL band, `[B]`. */
  hllEnergy: tf.Tensor1D;
  /** Sum over bands of the mean square, `[B]`. */
  allBandEnergy: tf.Tensor1D;
  /** What the trunk says of each frame by itself, `[B,T,2]`; in training with `frame_loss_weight` only. */
  frameLogits?: tf.Tensor3D;
};

export type LossName = 'total' | 'ce' | 'pair' | 'frame' | 'hll' | 'gap' | 'hllReal' | 'hllFake' | 'hllDefined';

/**
 * All parts of the training loss; `total` = ce + pair_loss_weight·pair + frame_loss_weight·frame + hll_loss_weight·hll
 * is the one to minimise. Always in float32. Terms of weight 0 are not computed but for hll. `gap`, `hllReal` and `hllFake` speak of the
 * value that the flicker term looks at: the ratio when normalised, else the amplitude.
 *
 * @param labels `[B]` int32, 0 real, 1 fake
 */
export function lossParts(output: ModelOutput, labels: tf.Tensor1D, config: StfConfig): Record<LossName, tf.Scalar> {
  return inPlace('loss', () => inFloat32(() => allParts(output, labels, config)));
}

function allParts(output: ModelOutput, labels: tf.Tensor1D, config: StfConfig): Record<LossName, tf.Scalar> {
  const ce = crossEntropy(output.logits, labels, config.label_smoothing);
  const flicker = flickerLoss(output, labels, config);
  const { pair_loss_weight, frame_loss_weight, hll_loss_weight, label_smoothing } = config;
  const pair = pair_loss_weight > 0 ? pairRankingLoss(output.logits, labels) : undefined;
  const frame = output.frameLogits && frameCrossEntropy(output.frameLogits, labels, label_smoothing);
  let total = tf.add<tf.Scalar>(ce, tf.mul(flicker.loss, hll_loss_weight));
  if (pair) total = tf.add(total, tf.mul(pair, pair_loss_weight));
  if (frame) total = tf.add(total, tf.mul(frame, frame_loss_weight));
  const { loss: hll, gap, real: hllReal, fake: hllFake, defined: hllDefined } = flicker;
  return {
    total,
    ce,
    pair: pair ?? tf.scalar(0),
    frame: frame ?? tf.scalar(0),
    hll,
    gap,
    hllReal,
    hllFake,
    hllDefined,
  };
}

function flickerLoss({ hllEnergy, allBandEnergy }: ModelOutput, labels: tf.Tensor1D, config: StfConfig): FlickerLoss {
  if (!config.use_contrastive_hll) return realFlickerLoss(hllEnergy, labels);
  const values = config.use_hll_normalization ? flickerRatio(hllEnergy, allBandEnergy) : hllEnergy;
  return contrastiveFlickerLoss(values, labels, { margin: config.hll_loss_margin, mode: config.hll_loss_mode });
}
