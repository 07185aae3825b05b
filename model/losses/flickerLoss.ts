import * as tf from '@tensorflow/tfjs';
import { FAKE, meanOver, members, REAL } from './classMembers.js';
import { pairDifferences } from './pairDifferences.js';

/** Mean flicker of each class, and whether a term over them is defined for this batch. Scalars. */
export type FlickerLoss = { loss: tf.Scalar; gap: tf.Scalar; real: tf.Scalar; fake: tf.Scalar; defined: tf.Scalar };

function classMeans(values: tf.Tensor1D, labels: tf.Tensor1D) {
  const isReal = members(labels, REAL);
  const isFake = members(labels, FAKE);
  const real = meanOver(values, isReal);
  const fake = meanOver(values, isFake);
  return { isReal, isFake, real, fake, gap: tf.sub(fake, real) as tf.Scalar };
}

/** 1 if every mask marks someone, else 0. */
function allPresent(...masks: tf.Tensor1D[]): tf.Scalar {
  return masks.map((mask) => tf.max<tf.Scalar>(mask)).reduce((product, present) => tf.mul(product, present));
}

/**
 * Hinge on the flicker of fakes over reals, `relu(margin − gap)`: of the class means (`mean`), or averaged over pairs,
 * the i-th real with the i-th fake in batch order (`paired`). A batch without one of the classes gives 0 and no
 * gradient. Branch-free on the labels, so a recorded step may replay it.
 *
 * @param values `[B]`
 * @param labels `[B]` int32
 */
export function contrastiveFlickerLoss(
  values: tf.Tensor1D,
  labels: tf.Tensor1D,
  { margin, mode }: { margin: number; mode: 'mean' | 'paired' },
): FlickerLoss {
  const { isReal, isFake, real, fake, gap } = classMeans(values, labels);
  const defined = allPresent(isReal, isFake);
  const hinge = (difference: tf.Tensor) => tf.relu(tf.sub(margin, difference));
  if (mode === 'mean') return { loss: tf.mul(hinge(gap), defined), gap, real, fake, defined };
  const { differences, isPair } = pairDifferences(values, labels);
  return { loss: meanOver(hinge(differences) as tf.Tensor1D, isPair), gap, real, fake, defined };
}

/**
 * The term of STF-Mamba V7.3: the mean square of the reals' flicker. Fakes are only measured.
 *
 * @param energy root mean square of the HLL band, `[B]`
 * @param labels `[B]` int32
 */
export function realFlickerLoss(energy: tf.Tensor1D, labels: tf.Tensor1D): FlickerLoss {
  const { isReal, real, fake, gap } = classMeans(energy, labels);
  return { loss: meanOver(tf.square(energy), isReal), gap, real, fake, defined: allPresent(isReal) };
}
