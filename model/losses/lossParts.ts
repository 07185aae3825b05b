import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { flickerRatio } from '../wavelet/bandEnergy.js';
import { crossEntropy } from './crossEntropy.js';
import { contrastiveFlickerLoss, type FlickerLoss, realFlickerLoss } from './flickerLoss.js';

/** What a model says about a batch of clips. */
export type ModelOutput = {
  /** `[B,2]`: real, fake. */
  logits: tf.Tensor2D;
  /** Root mean square of the HLL band, `[B]`. */
  hllEnergy: tf.Tensor1D;
  /** Sum over bands of the mean square, `[B]`. */
  allBandEnergy: tf.Tensor1D;
};

export type LossName = 'total' | 'ce' | 'hll' | 'gap' | 'hllReal' | 'hllFake' | 'hllDefined';

/**
 * All parts of the training loss; `total` = ce + hll_loss_weight·hll is the one to minimise. `gap`, `hllReal` and
 * `hllFake` speak of the value that the flicker term looks at: the ratio when normalised, else the amplitude.
 *
 * @param labels `[B]` int32, 0 real, 1 fake
 */
export function lossParts(output: ModelOutput, labels: tf.Tensor1D, config: StfConfig): Record<LossName, tf.Scalar> {
  const ce = crossEntropy(output.logits, labels, config.label_smoothing);
  const flicker = flickerLoss(output, labels, config);
  const total = tf.add(ce, tf.mul(flicker.loss, config.hll_loss_weight)) as tf.Scalar;
  const { loss: hll, gap, real: hllReal, fake: hllFake, defined: hllDefined } = flicker;
  return { total, ce, hll, gap, hllReal, hllFake, hllDefined };
}

function flickerLoss({ hllEnergy, allBandEnergy }: ModelOutput, labels: tf.Tensor1D, config: StfConfig): FlickerLoss {
  if (!config.use_contrastive_hll) return realFlickerLoss(hllEnergy, labels);
  const values = config.use_hll_normalization ? flickerRatio(hllEnergy, allBandEnergy) : hllEnergy;
  return contrastiveFlickerLoss(values, labels, { margin: config.hll_loss_margin, mode: config.hll_loss_mode });
}
