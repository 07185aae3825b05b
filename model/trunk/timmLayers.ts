import type * as tf from '@tensorflow/tfjs';
import type { LayerNormParameters } from '../layers/layerNorm.js';
import type { LinearParameters } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';

/*
 * Parameters of backbones whose weights others have trained. Their leaves keep PyTorch's names, `weight` and `bias`,
 * so that a checkpoint's names are those of timm (Wightman, https://github.com/huggingface/pytorch-image-models) after
 * the prefix `backbone.`; the layouts are TensorFlow's.
 */

/** Kernel `[inputs, outputs]` and bias. */
export const timmLinear = (scope: ParameterScope, inputs: number, outputs: number): Required<LinearParameters> => ({
  kernel: scope.kernel('weight', [inputs, outputs]),
  bias: scope.zeros('bias', [outputs]),
});

/** Kernel `[size, size, inputs, outputs]` and bias. */
export const timmConvolution = (
  scope: ParameterScope,
  size: number,
  inputs: number,
  outputs: number,
): Required<LinearParameters> => ({
  kernel: scope.kernel('weight', [size, size, inputs, outputs]),
  bias: scope.zeros('bias', [outputs]),
});

/** Kernel `[size, size, channels, 1]` and bias. */
export const timmDepthwise = (scope: ParameterScope, size: number, channels: number): Required<LinearParameters> => ({
  kernel: scope.kernel('weight', [size, size, channels, 1]),
  bias: scope.zeros('bias', [channels]),
});

export const timmLayerNorm = (scope: ParameterScope, channels: number): LayerNormParameters => ({
  gamma: scope.ones('weight', [channels]),
  beta: scope.zeros('bias', [channels]),
});

/** Scale and shift of a global response normalisation, zero at first: the layer starts as the identity. */
export const timmResponseNorm = (
  scope: ParameterScope,
  channels: number,
): { gamma: tf.Variable; beta: tf.Variable } => ({
  gamma: scope.zeros('weight', [channels]),
  beta: scope.zeros('bias', [channels]),
});
