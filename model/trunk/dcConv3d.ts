import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { convolveSame, createConvolution } from '../layers/convolution.js';
import { FeedForward } from '../layers/feedForward.js';
import { gelu } from '../layers/gelu.js';
import { constant } from '../layers/initializers.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { addResidual, type BranchMask } from '../layers/residual.js';
import { Segment } from '../layers/segment.js';
import { ContourTaps } from './contourTaps.js';
import { slenderKernel, type TapMoves } from './slenderKernel.js';

/** Channels are reduced by this factor before the slender kernels. */
const REDUCTION = 4;

/** Whether the kernel along time reads where it stands or follows a point that moves through the frames. */
export type TimeKernel = 'straight' | 'deformable';

/**
 * Three-dimensional dynamic contour convolution: three slender kernels along width, height and time whose taps slide
 * sideways by learned offsets, so that they follow a blend contour (after Dynamic Snake Convolution, Qi et al., 2023),
 * followed by a position-wise branch. Two residual branches.
 */
export class DcConv3d {
  readonly #timeKernel: TimeKernel;
  readonly #taps: ContourTaps;
  readonly #norm: LayerNormParameters;
  readonly #reduce: LinearParameters;
  readonly #offset: Required<LinearParameters>;
  readonly #kernels: { x: LinearParameters; y: LinearParameters; t: LinearParameters };
  readonly #normMiddle: LayerNormParameters;
  readonly #expand: LinearParameters;
  readonly #feedForward: FeedForward;
  readonly #segment: Segment;

  /** @param identity start with both branches at zero, as an adapter between pretrained stages */
  constructor(
    scope: ParameterScope,
    channels: number,
    timeKernel: TimeKernel,
    config: Pick<StfConfig, 'dcconv_kernel_length' | 'mlp_ratio'> & Partial<Pick<StfConfig, 'grad_checkpoint'>>,
    constants: ConstantCache,
    identity = false,
  ) {
    const reduced = channels / REDUCTION;
    if (!Number.isInteger(reduced)) {
      throw new RangeError(`Expected a stage width divisible by ${REDUCTION} but received ${channels}`);
    }
    const taps = config.dcconv_kernel_length;
    this.#timeKernel = timeKernel;
    this.#taps = new ContourTaps(taps, constants);
    this.#norm = createLayerNorm(scope.within('norm1'), channels);
    this.#reduce = createLinear(scope.within('reduce'), channels, reduced);
    const offsetChannels = this.#offsetGroups * this.#taps.offsetChannels;
    this.#offset = createConvolution(scope.within('offset'), 3, reduced, offsetChannels, constant(0));
    const kernel = (name: string) => createLinear(scope.within(name), taps * reduced, reduced, { bias: false });
    this.#kernels = { x: kernel('tap_x'), y: kernel('tap_y'), t: kernel('tap_t') };
    this.#normMiddle = createLayerNorm(scope.within('norm_mid'), 3 * reduced);
    const lastKernel = identity ? { kernelInit: constant(0) } : {};
    this.#expand = createLinear(scope.within('expand'), 3 * reduced, channels, lastKernel);
    this.#feedForward = new FeedForward(scope, channels, config.mlp_ratio, identity);
    this.#segment = Segment.over(scope, config);
  }

  /** Offset groups: rows for the width kernel, columns for the height kernel, both for a deformable time kernel. */
  get #offsetGroups(): number {
    return this.#timeKernel === 'deformable' ? 4 : 2;
  }

  /** @param x rows `[B·T·H·W, C]` of `grid` */
  forward(x: tf.Tensor2D, grid: ClipGrid, masks: [BranchMask, BranchMask]): tf.Tensor2D {
    return this.#segment.run([x], masks, ([x], masks) => {
      const mixed = addResidual(x, this.#contour(x, grid), masks[0]);
      return addResidual(mixed, this.#feedForward.forward(mixed), masks[1]);
    });
  }

  #contour(x: tf.Tensor2D, grid: ClipGrid): tf.Tensor2D {
    const features = linear(layerNorm(x, this.#norm), this.#reduce);
    const moves = this.#moves(features, grid);
    const follow = (moves: TapMoves, { kernel }: LinearParameters) =>
      slenderKernel(features, moves, kernel, this.#taps, grid);
    const alongX = follow({ along: 'width', rows: moves(0) }, this.#kernels.x);
    const alongY = follow({ along: 'height', columns: moves(1) }, this.#kernels.y);
    const alongT =
      this.#timeKernel === 'straight'
        ? follow({ along: 'straightTime' }, this.#kernels.t)
        : follow({ along: 'time', rows: moves(2), columns: moves(3) }, this.#kernels.t);
    const contour = tf.concat([alongX, alongY, alongT], 1);
    return linear(gelu(layerNorm(contour, this.#normMiddle)), this.#expand);
  }

  /** Offsets of the numbered group, `[N,H,W,taps]`; none moves further than one element from its inner neighbour. */
  #moves(features: tf.Tensor2D, { batch, frames, height, width }: ClipGrid): (group: number) => tf.Tensor {
    const images = batch * frames;
    const maps = tf.reshape(features, [images, height, width, features.shape[1]]) as tf.Tensor4D;
    const steps = tf.reshape(tf.tanh(convolveSame(maps, this.#offset)), [images * height * width, -1]);
    return (group) =>
      inFloat32(() =>
        tf.reshape(tf.matMul(steps, this.#taps.outwardSum(group, this.#offsetGroups)), [images, height, width, -1]),
      );
  }
}
