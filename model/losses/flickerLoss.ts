import * as tf from '@tensorflow/tfjs';

/** Mean flicker of each class, and whether a term over them is defined for this batch. Scalars. */
export type FlickerLoss = { loss: tf.Scalar; gap: tf.Scalar; real: tf.Scalar; fake: tf.Scalar; defined: tf.Scalar };

const REAL = 0;
const FAKE = 1;

/** `[B]`, 1 where the label is of this class. */
function members(labels: tf.Tensor1D, label: number): tf.Tensor1D {
  return tf.cast(tf.equal(labels, tf.scalar(label, 'int32')), 'float32');
}

/** Mean over the marked samples; 0 where there are none. */
function meanOver(values: tf.Tensor1D, mask: tf.Tensor1D): tf.Scalar {
  return tf.div(tf.sum(tf.mul(values, mask)), tf.maximum(tf.sum(mask), 1));
}

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
  const loss = mode === 'mean' ? tf.mul(hinge(gap), defined) : meanOver(...pairHinges(values, isReal, isFake, hinge));
  return { loss: loss as tf.Scalar, gap, real, fake, defined };
}

/** Hinges `[B]` of the pairs, by number, and which numbers stand for a pair. */
function pairHinges(
  values: tf.Tensor1D,
  isReal: tf.Tensor1D,
  isFake: tf.Tensor1D,
  hinge: (difference: tf.Tensor) => tf.Tensor,
): [tf.Tensor1D, tf.Tensor1D] {
  const size = values.shape[0];
  const numbers = tf.reshape(tf.range(0, size, 1, 'float32'), [size, 1]);
  /** Row i marks the i-th member of a class. */
  const selection = (mask: tf.Tensor1D) =>
    tf.mul(tf.cast(tf.equal(numbers, tf.cumsum(mask, 0, true)), 'float32'), mask);
  const column = tf.reshape(values, [size, 1]) as tf.Tensor2D;
  const pick = (mask: tf.Tensor1D) => tf.reshape(tf.matMul(selection(mask) as tf.Tensor2D, column), [size]);
  const isPair = tf.less(tf.reshape(numbers, [size]), tf.minimum(tf.sum(isReal), tf.sum(isFake)));
  return [hinge(tf.sub(pick(isFake), pick(isReal))) as tf.Tensor1D, tf.cast(isPair, 'float32') as tf.Tensor1D];
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
