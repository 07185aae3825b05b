import * as tf from '@tensorflow/tfjs';

/** Per-sample factors of one residual branch `[B]`, 0 or 1/(1−p); undefined leaves the branch as it is. */
export type BranchMask = tf.Tensor1D | undefined;

/**
 * `x + DropPath(branch)`: stochastic depth (Huang et al., 2016) with the draw made by the caller.
 *
 * @param x `[B·n, C]` or any shape whose elements lie sample by sample
 */
export function addResidual<T extends tf.Tensor>(x: T, branch: T, mask: BranchMask): T {
  if (!mask) return tf.add(x, branch);
  const samples = mask.shape[0];
  const dropped = tf.mul(tf.reshape(branch, [samples, -1]), tf.reshape(mask, [samples, 1]));
  return tf.add(x, tf.reshape(dropped, x.shape));
}
