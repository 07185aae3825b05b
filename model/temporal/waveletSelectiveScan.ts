import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { ConstantCache } from '../layers/constantCache.js';
import { convolveSame, createConvolution } from '../layers/convolution.js';
import { gelu } from '../layers/gelu.js';
import { constant } from '../layers/initializers.js';
import { createLayerNorm, type LayerNormParameters, layerNorm } from '../layers/layerNorm.js';
import { createLinear, type LinearParameters, linear } from '../layers/linear.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { Segment } from '../layers/segment.js';
import { channelAmplitude } from '../wavelet/channelAmplitude.js';
import type { FlickerBands } from '../wavelet/waveletTransform.js';
import { Hydra } from './hydra.js';

/** Channel selection squeezes to this share of its channels (Hu, Shen and Sun, 2018). */
const SQUEEZE = 4;
/** One coefficient frame of the transform stands for two frames of the clip. */
const FRAMES_PER_COEFFICIENT = 2;

/** What the scan reads of a clip. */
export type ScanInput = {
  /** Temporal high-pass bands, `[B·T/2, h, w, C]`. */
  bands: Pick<FlickerBands, 'hll' | 'hlh' | 'hhh'>;
  /** Attention of the trunk's first stage on the same grid, rows `[B·T/2·h·w, stage1_dim]`. */
  attention: tf.Tensor2D;
};

/**
 * The wavelet-selective scan (W-SS): two streams over the coefficient frames, merged. Stream A follows flicker (HLL)
 * through time, stream B looks at the texture of HHH and HLH where the first stage's attention A₁ points. Flicker opens
 * the texture's gate. The last kernel starts at zero, so that the network starts without this path.
 *
 *     A:  a = LN([mean_hw(HLL); rms_hw(HLL)]·W_a + b_a)               F_t = LN(a + Hydra(LN a))
 *     B:  X = [HHH; HLH],  X ← X ⊙ σ(W₂·relu(W₁·rms_thw(X)))          channel selection
 *         X ← gelu(LN(conv₃ₓ₃ X)) ⊙ mean_c(A₁)                        where the attention points
 *         b = mean_hw(X)·W_b + b_b                                    F_s = LN(b + Hydra(LN b))
 *     out = (F_s ⊙ σ(F_t·W_g + b_g))·W_f + b_f                        each coefficient frame for two frames
 *
 * Hydra is of Hwang et al. (2024), channel selection after Hu, Shen and Sun (2018).
 */
export class WaveletSelectiveScan {
  readonly #flicker: {
    input: LinearParameters;
    norms: [LayerNormParameters, LayerNormParameters, LayerNormParameters];
    hydra: Hydra;
  };
  readonly #texture: {
    squeeze: LinearParameters;
    excite: LinearParameters;
    convolution: Required<LinearParameters>;
    convolutionNorm: LayerNormParameters;
    input: LinearParameters;
    norms: [LayerNormParameters, LayerNormParameters];
    hydra: Hydra;
  };
  readonly #gate: LinearParameters;
  readonly #fuse: LinearParameters;
  readonly #segment: Segment;

  /** @param tokenWidth channels of the tokens that the result is added to */
  constructor(scope: ParameterScope, tokenWidth: number, config: StfConfig, constants: ConstantCache) {
    const { dwt_channels, wss_dim: width, d_state } = config;
    const pair = 2 * dwt_channels;
    const squeezed = pair / SQUEEZE;
    if (!Number.isInteger(squeezed)) {
      throw new RangeError(`Expected an even number of wavelet channels but received ${dwt_channels}`);
    }
    const norm = (name: string) => createLayerNorm(scope.within(name), width);
    const hydra = (name: string) => new Hydra(scope.within(name), width, d_state, config, constants);
    this.#flicker = {
      input: createLinear(scope.within('a_in'), pair, width),
      norms: [norm('a_norm1'), norm('a_norm2'), norm('a_norm3')],
      hydra: hydra('a_hydra'),
    };
    this.#texture = {
      squeeze: createLinear(scope.within('se1'), pair, squeezed),
      excite: createLinear(scope.within('se2'), squeezed, pair),
      convolution: createConvolution(scope.within('conv'), 3, pair, width),
      convolutionNorm: norm('conv_norm'),
      input: createLinear(scope.within('b_in'), width, width),
      norms: [norm('b_norm1'), norm('b_norm2')],
      hydra: hydra('b_hydra'),
    };
    this.#gate = createLinear(scope.within('gate'), width, width);
    this.#fuse = createLinear(scope.within('fuse'), width, tokenWidth, { kernelInit: constant(0) });
    this.#segment = Segment.over(scope, config);
  }

  /**
   * @param batch B, clips
   * @returns `[B,T,tokenWidth]`
   */
  forward({ bands, attention }: ScanInput, batch: number): tf.Tensor3D {
    const { hll, hlh, hhh } = bands;
    return this.#segment.run([hll, hlh, hhh, attention], [], ([hll, hlh, hhh, attention]) =>
      this.#scan({ bands: { hll, hlh, hhh }, attention }, batch),
    );
  }

  #scan(input: ScanInput, batch: number): tf.Tensor3D {
    const flicker = this.#scanFlicker(input.bands.hll, batch);
    const texture = this.#scanTexture(input, batch);
    const merged = linear(tf.mul(texture, tf.sigmoid(linear(flicker, this.#gate))) as tf.Tensor3D, this.#fuse);
    const repeated = tf.concat(Array(FRAMES_PER_COEFFICIENT).fill(merged), 2);
    return tf.reshape(repeated, [batch, merged.shape[1] * FRAMES_PER_COEFFICIENT, merged.shape[2]]);
  }

  /** Stream A, `[B,T/2,wss_dim]`. The amplitude joins the mean because flicker of opposite sign cancels in a mean. */
  #scanFlicker(hll: tf.Tensor4D, batch: number): tf.Tensor3D {
    const { input, norms, hydra } = this.#flicker;
    const images = hll.shape[0];
    const statistics = tf.concat([tf.mean(hll, [1, 2]), channelAmplitude(hll, images)], 1);
    const frames = tf.reshape(statistics, [batch, images / batch, -1]) as tf.Tensor3D;
    const tokens = layerNorm(linear(frames, input), norms[0]);
    return layerNorm(tf.add(tokens, hydra.forward(layerNorm(tokens, norms[1]))), norms[2]);
  }

  /** Stream B, `[B,T/2,wss_dim]`. */
  #scanTexture({ bands, attention }: ScanInput, batch: number): tf.Tensor3D {
    const { convolution, convolutionNorm, input, norms, hydra } = this.#texture;
    const selected = this.#selectChannels(tf.concat([bands.hhh, bands.hlh], 3), batch);
    const maps = gelu(layerNorm(convolveSame(selected, convolution), convolutionNorm));
    const [images, height, width, channels] = maps.shape;
    // The mean over positions of maps ⊙ location, the channel mean of the attention, as one product.
    const location = tf.reshape(tf.mean(attention, 1), [images, 1, height * width]);
    const total = tf.matMul(location, tf.reshape(maps, [images, height * width, channels]));
    const frames = tf.reshape(tf.div(total, height * width), [batch, images / batch, channels]) as tf.Tensor3D;
    const tokens = linear(frames, input);
    return layerNorm(tf.add(tokens, hydra.forward(layerNorm(tokens, norms[0]))), norms[1]);
  }

  /** Weighs channels by what the clip holds in them: `X ⊙ σ(W2·relu(W1·s))`, s the amplitude of each channel. */
  #selectChannels(x: tf.Tensor4D, batch: number): tf.Tensor4D {
    const { squeeze, excite } = this.#texture;
    const amplitude = channelAmplitude(x, batch);
    const weight = tf.sigmoid(linear(tf.relu(linear(amplitude, squeeze)), excite));
    const weighed = tf.mul(tf.reshape(x, [batch, -1, x.shape[3]]), tf.reshape(weight, [batch, 1, -1]));
    return tf.reshape(weighed, x.shape);
  }
}
