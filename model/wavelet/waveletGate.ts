import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { convolveSame, createConvolution } from '../layers/convolution.js';
import { gelu } from '../layers/gelu.js';
import { constant } from '../layers/initializers.js';
import { standardise } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { asRows } from '../layers/rows.js';
import { Segment } from '../layers/segment.js';
import { bandAmplitude, energyPerSample } from './bandEnergy.js';
import { type FlickerBands, flickerBands, waveletTransform } from './waveletTransform.js';

const BANDS = 8;
/** Time taps of the convolution over the HLL band: the frame before, the frame itself, the frame after. */
const TIME_TAPS = 3;

export type WaveletFeatures = {
  /** Root mean square of the HLL band, `[B]`. */
  hllEnergy: tf.Tensor1D;
  /** Sum over the eight bands of the mean square, `[B]`. */
  allBandEnergy: tf.Tensor1D;
  /** Temporal high-pass bands for the wavelet-selective scan, `[B·T/2, H/2, W/2, C]`; only with `use_wss`. */
  bands?: Pick<FlickerBands, 'hll' | 'hlh' | 'hhh'>;
  /** Flicker (HLL) and contour (HLH, HHL, HHH) evidence, `[B·T/2, H/2, W/2, hidden]`. */
  evidence: { hll: tf.Tensor4D; contour: tf.Tensor4D };
};

/** Two energies, two maps of evidence and, if asked for, the bands HLL, HLH and HHH. */
type WaveletResults = [tf.Tensor1D, tf.Tensor1D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor4D[]];

/**
 * The wavelet branch: stem features are projected, layer-normalised without scale (so no loss on the energies can be
 * met by scaling features), transformed, measured, and turned into gates for the trunk's stages.
 */
export class WaveletGate {
  readonly #config: StfConfig;
  readonly #constants: ConstantCache;
  readonly #projection: LinearParameters;
  readonly #hll: Required<LinearParameters>;
  readonly #contour: Required<LinearParameters>;
  readonly #alphaLogit: tf.Variable;
  readonly #gates: { hll: LinearParameters; contour: LinearParameters; segment: Segment }[];
  readonly #segment: Segment;

  /** @param widths channels of the stem's map and of the stages to be gated */
  constructor(
    scope: ParameterScope,
    config: StfConfig,
    constants: ConstantCache,
    widths: readonly number[] = [config.stem_dim, config.stage1_dim, config.stage2_dim, config.stage3_dim],
  ) {
    const [stemWidth, ...stageWidths] = widths;
    const { dwt_channels, dwt_hidden_dim, hll_fusion_alpha: alpha } = config;
    this.#config = config;
    this.#constants = constants;
    this.#projection = createLinear(scope.within('proj'), stemWidth, dwt_channels);
    this.#hll = createConvolution(scope.within('hll'), 3, TIME_TAPS * dwt_channels, dwt_hidden_dim);
    this.#contour = createConvolution(scope.within('tmp'), 3, 3 * dwt_channels, dwt_hidden_dim);
    this.#alphaLogit = scope.create('alpha_logit', [], constant(Math.log(alpha / (1 - alpha))));
    this.#segment = Segment.over(scope, config);
    // Zero kernels: every gate starts at one half, a uniform factor that the next layer normalisation removes.
    const gate = (part: ParameterScope, channels: number) =>
      createLinear(part, dwt_hidden_dim, channels, { kernelInit: constant(0) });
    this.#gates = stageWidths.map((channels, i) => {
      const part = scope.within(`gate${i + 1}`);
      const layers = { hll: gate(part.within('hll'), channels), contour: gate(part.within('tmp'), channels) };
      return { ...layers, segment: new Segment(part.name, [this.#alphaLogit, ...part.variables()], config) };
    });
  }

  /** @param stem rows `[B·T·H·W, C]` */
  forward(stem: tf.Tensor, grid: ClipGrid): WaveletFeatures {
    const results = this.#segment.runMany([stem], [], ([stem]) => this.#measure(stem, grid));
    const [hllEnergy, allBandEnergy, flicker, contour, ...bands] = results;
    const features = { hllEnergy, allBandEnergy, evidence: { hll: flicker, contour } };
    if (bands.length === 0) return features;
    const [hll, hlh, hhh] = bands;
    return { ...features, bands: { hll, hlh, hhh } };
  }

  #measure(stem: tf.Tensor, grid: ClipGrid): WaveletResults {
    const projected = standardise(linear(stem, this.#projection));
    const transform = waveletTransform(projected, grid, this.#config.dwt_boundary, this.#constants);
    const { hll, hlh, hhl, hhh } = flickerBands(transform);
    const coefficients = transform.size / grid.batch / BANDS;
    return [
      bandAmplitude(hll, grid.batch),
      energyPerSample(transform, grid.batch, coefficients),
      gelu(convolveSame(withNeighbourFrames(hll, grid.batch * grid.segments), this.#hll)),
      gelu(convolveSame(tf.concat([hlh, hhl, hhh], 3), this.#contour)),
      ...(this.#config.use_wss ? [hll, hlh, hhh] : []),
    ];
  }

  /**
   * The attention `A = α·σ(HLL evidence) + (1−α)·σ(contour evidence)` of a stage whose maps have `height` rows.
   *
   * @returns rows `[B·T/2·h·w, C]` in (0,1)
   */
  attention(stage: 1 | 2 | 3, height: number, evidence: WaveletFeatures['evidence']): tf.Tensor2D {
    const { hll, contour, segment } = this.#gates[stage - 1];
    const opening = (map: tf.Tensor4D, parameters: LinearParameters) =>
      tf.sigmoid(asRows(linear(resize(map, height), parameters)));
    return segment.run([evidence.hll, evidence.contour], [], ([flickerMap, contourMap]) => {
      const flicker = opening(flickerMap, hll);
      const outline = opening(contourMap, contour);
      return tf.add(outline, tf.mul(tf.sigmoid(this.#alphaLogit), tf.sub(flicker, outline))) as tf.Tensor2D;
    });
  }
}

/**
 * Multiplies a stage's output by `1 + A`, each coefficient frame governing the two frames it is centred on.
 *
 * @param features rows `[B·T·h·w, C]`
 * @param attention rows `[B·T/2·h·w, C]`
 */
export function applyAttention(
  features: tf.Tensor2D,
  attention: tf.Tensor2D,
  { batch, frames }: ClipGrid,
): tf.Tensor2D {
  const coefficientFrames = (batch * frames) / 2;
  const repeated = tf.reshape(tf.add(attention, 1), [coefficientFrames, 1, -1]);
  const gated = tf.mul(tf.reshape(features, [coefficientFrames, 2, -1]), repeated);
  return tf.reshape(gated, features.shape);
}

/** Mean over square patches, down to `height` rows. Before the sigmoid: evidence is averaged, not decisions. */
function resize(map: tf.Tensor4D, height: number): tf.Tensor4D {
  const factor = map.shape[1] / height;
  return factor === 1 ? map : tf.avgPool(map, factor, factor, 'valid');
}

/**
 * Frames t−1, t, t+1 side by side on the channel axis, zeros beyond the ends of each segment, so that a plain
 * two-dimensional convolution becomes a three-dimensional one.
 *
 * @param band `[runs·L, H, W, C]`
 * @returns `[runs·L, H, W, 3C]`
 */
function withNeighbourFrames(band: tf.Tensor4D, runs: number): tf.Tensor4D {
  const [images, height, width, channels] = band.shape;
  const length = images / runs;
  const frame = height * width * channels;
  const padded = tf.pad(tf.reshape(band, [runs, length, frame]), [
    [0, 0],
    [1, 1],
    [0, 0],
  ]);
  const shifted = Array.from({ length: TIME_TAPS }, (_, tap) =>
    tf.reshape(tf.slice(padded, [0, tap, 0], [-1, length, -1]), [images, height, width, channels]),
  );
  return tf.concat(shifted, 3) as tf.Tensor4D;
}
