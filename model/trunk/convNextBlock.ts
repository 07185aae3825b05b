import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import { depthwise } from '../layers/depthwise.js';
import { gelu } from '../layers/gelu.js';
import { globalResponseNorm } from '../layers/globalResponseNorm.js';
import { type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { asRows } from '../layers/rows.js';
import { Segment } from '../layers/segment.js';
import { timmDepthwise, timmLayerNorm, timmLinear, timmResponseNorm } from './timmLayers.js';

/** Edge of the depthwise kernel and widening of the position-wise part (Liu et al., ConvNeXt, 2022). */
const KERNEL_SIZE = 7;
const EXPANSION = 4;

/**
 * A block of ConvNeXt V2 (Woo et al., 2023): `x + W2·GRN(GELU(W1·LN(dwconv₇ₓ₇(x))))`. One residual branch.
 */
export class ConvNextBlock {
  readonly #depthwise: Required<LinearParameters>;
  readonly #norm: LayerNormParameters;
  readonly #widen: LinearParameters;
  readonly #responseNorm: { gamma: tf.Variable; beta: tf.Variable };
  readonly #narrow: LinearParameters;
  readonly #segment: Segment;

  constructor(scope: ParameterScope, channels: number, config: Partial<Pick<StfConfig, 'grad_checkpoint'>> = {}) {
    const mlp = scope.within('mlp');
    this.#depthwise = timmDepthwise(scope.within('conv_dw'), KERNEL_SIZE, channels);
    this.#norm = timmLayerNorm(scope.within('norm'), channels);
    this.#widen = timmLinear(mlp.within('fc1'), channels, EXPANSION * channels);
    this.#responseNorm = timmResponseNorm(mlp.within('grn'), EXPANSION * channels);
    this.#narrow = timmLinear(mlp.within('fc2'), EXPANSION * channels, channels);
    this.#segment = Segment.over(scope, config);
  }

  /** @param x rows `[B·T·H·W, C]` of `grid` */
  forward(x: tf.Tensor2D, grid: ClipGrid, mask: BranchMask): tf.Tensor2D {
    return this.#segment.run([x], [mask], ([x], [mask]) => addResidual(x, this.#branch(x, grid), mask as BranchMask));
  }

  #branch(x: tf.Tensor2D, { batch, frames, height, width }: ClipGrid): tf.Tensor2D {
    const images = batch * frames;
    const { kernel, bias } = this.#depthwise;
    const maps = tf.reshape(x, [images, height, width, x.shape[1]]) as tf.Tensor4D;
    const mixed = depthwise(maps, kernel as unknown as tf.Tensor4D, bias as unknown as tf.Tensor1D, 1);
    const hidden = gelu(linear(layerNorm(asRows(mixed), this.#norm), this.#widen));
    return linear(globalResponseNorm(hidden, images, this.#responseNorm), this.#narrow);
  }
}
