import * as tf from '@tensorflow/tfjs';
import { meanOver } from './classMembers.js';
import { pairDifferences } from './pairDifferences.js';

/**
 * How surely a fake scores above its own original, `log(1 + exp(m_real − m_fake))` with m = logit fake − logit real, mean
 * over the pairs (RankNet; Burges et al., 2005). What both members share, such as the person, cannot move it.
 *
 * @param logits `[B,2]`: real, fake
 * @param labels `[B]` int32, 0 real, 1 fake; the i-th real and the i-th fake in batch order are a pair
 */
export function pairRankingLoss(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const batch = logits.shape[0];
  const margin = tf.reshape(tf.matMul(logits, tf.tensor2d([-1, 1], [2, 1])), [batch]) as tf.Tensor1D;
  const { differences, isPair } = pairDifferences(margin, labels);
  return meanOver(tf.softplus(tf.neg(differences)) as tf.Tensor1D, isPair);
}
