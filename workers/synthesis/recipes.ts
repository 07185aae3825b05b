import type { Recipe, StageSpec } from './recipe.js';
import type { Framing } from './stages/finalCrop.js';

/** Settings of self-blending, named as in a training configuration's `sbi` section. */
export type SbiOptions = {
  hsv_mode: 'exact' | 'wide';
  flip_prob: number;
  landmarks68_prob: number;
  mask_types: readonly string[];
  mouth_growth: readonly [number, number];
  margin_side: number;
  margin_top: number;
  margin_bottom: number;
  skin_prob: number;
  skin_amount: readonly [number, number];
  skin_radius: readonly [number, number];
  skin_contrast: readonly [number, number];
  resample_target: number;
  exchange_prob: number;
  source_transform_prob: number;
  rgb_shift: number;
  rgb_shift_prob: number;
  hsv_shift: number;
  hsv_prob: number;
  brightness: number;
  contrast: number;
  brightness_contrast_prob: number;
  sharpness_prob: number;
  downscale_prob: number;
  downscale_factors: readonly number[];
  sharpen_alpha: readonly [number, number];
  sharpen_lightness: readonly [number, number];
  focus: 'published' | 'footage';
  blur_sigma: readonly [number, number];
  unsharp: readonly [number, number];
  post_blur_prob: number;
  post_blur_sigma: readonly [number, number];
  translate_x: number;
  translate_y: number;
  scale_min: number;
  elastic_alpha: number;
  elastic_sigma: number;
  elastic_source: boolean;
  v73_drift_step: number;
  v73_drift_max: number;
  tps_points: number;
  tps_step: number;
  tps_max: number;
  tps_grid: number;
  soften_size: readonly [number, number];
  soften_kernel: readonly [number, number];
  soften_sigma: readonly [number, number];
  soften_threshold: number;
  mask_redraws: number;
  mask_ratios: readonly number[];
  laplacian_levels: number;
  poisson_sweeps: number;
  post_rgb_shift: number;
  post_rgb_shift_prob: number;
  post_hsv_shift: number;
  post_hsv_prob: number;
  post_brightness: number;
  post_contrast: number;
  post_brightness_contrast_prob: number;
  post_noise_prob: number;
  post_noise_sigma: readonly [number, number];
  post_rescale_prob: number;
  post_rescale: readonly [number, number];
  jpeg_prob: number;
  jpeg_quality: readonly [number, number];
  framing: 'detector' | 'square';
  final_margin: readonly [number, number];
  final_margin_eval: number;
  final_margin_fraction: number;
  square_side: readonly [number, number];
  square_side_eval: number;
  square_shift: number;
  obvious_shift: readonly [number, number];
};

/** The multi-scale drift of STF-Mamba 8 where options leave it open; the drift stage's own defaults are those of 7.3. */
const MULTISCALE_DRIFT = { prob: 0.8, step: [0.5, 5], max: 8 } as const;

export type RecipeOptions = {
  /** Side of the finished frames, pixels. */
  img_size: number;
  num_segments: number;
  frames_per_segment: number;
  /** `obvious`: fakes that a small model learns to see quickly (see `trainingRecipe`). */
  difficulty?: 'default' | 'obvious';
  /** H.264 for both members alike, in place of JPEG where it applies; off: JPEG alone. */
  use_compression_aug?: boolean;
  compression_prob?: number;
  /** Quantisation parameter, [least, most]. */
  compression_qp?: readonly [number, number];
  /** What encodes; chosen once at the start of a run, since its bytes are part of every sample. */
  codec?: 'node-av' | 'ffmpeg' | 'jpeg';
  /** Multi-scale drift and bending of the mask; off: the small drift of STF-Mamba 7.3. */
  use_multiscale_drift?: boolean;
  drift_step?: readonly [number, number];
  drift_max?: number;
  drift_prob?: number;
  tps_prob?: number;
  /** Probability of another frame rate, for both members alike. */
  vfr_prob?: number;
  blend_weights?: { alpha: number; poisson: number; laplacian: number };
  /** Whatever is left out keeps the published value (each stage's `defaults`). */
  sbi?: Partial<SbiOptions>;
};

/**
 * The recipe of a training pair: video self-blending with all its augmentation.
 *
 * With `difficulty: 'obvious'` the source's channels are shifted by `obvious_shift` levels with a sign each, the mask
 * is the plain hull with a hard edge, fully opaque and unmoved, and nothing is recoloured or compressed afterwards: a
 * check that a model learns at all, not a training set.
 */
export function trainingRecipe(options: RecipeOptions): Recipe {
  const { flip_prob, framing, final_margin: margin, ...sbi } = options.sbi ?? {};
  const { final_margin_fraction: fraction, square_side, square_shift } = sbi;
  const cut = { framing, margin, fraction, square_side, square_shift };
  return recipe(options, stage('flip', { prob: flip_prob }), cut, true);
}

/**
 * The recipe of a validation pair. How fakes are made is as in training: masks, drift, bending, blending and colours of
 * the blend are what is to be found. What only varies the input and touches both members alike (flip, frame rate,
 * recolouring, JPEG) is left out, and the cut is always the same.
 *
 * H.264 stays, as often and as strong as in training: the videos that a detector meets are compressed, compression
 * destroys part of the evidence, and the best checkpoint has to be the one that finds what is left. Both members are
 * compressed alike, so it does not make the task easier, and each pair's decision depends on the seed and its position
 * alone, so every validation of a run sees the same bytes.
 */
export function validationRecipe(options: RecipeOptions): Recipe {
  return recipe(options, null, evaluationFraming(options.sbi), false);
}

/** The one cut of validation and of everything that is scored: the middle of what training draws. */
export function evaluationFraming(
  sbi: Partial<Pick<SbiOptions, 'framing' | 'final_margin_eval' | 'final_margin_fraction' | 'square_side_eval'>> = {},
): Partial<Framing> {
  const { framing = 'detector', final_margin_eval: margin = 0.5, final_margin_fraction, square_side_eval = 1.35 } = sbi;
  if (framing === 'square') return { framing, square_side: [square_side_eval, square_side_eval], square_shift: 0 };
  const fraction = final_margin_fraction === undefined ? {} : { fraction: final_margin_fraction };
  return { margin: [margin, margin], ...fraction };
}

function recipe(
  options: RecipeOptions,
  flip: StageSpec | null,
  cut: Record<string, unknown>,
  augments: boolean,
): Recipe {
  const sbi = options.sbi ?? {};
  const obvious = options.difficulty === 'obvious';
  const stages: (StageSpec | null)[] = [
    stage('select_frames', {
      num_segments: options.num_segments,
      frames_per_segment: options.frames_per_segment,
    }),
    stage('prepare_landmarks', {}),
    flip,
    stage('margin_crop', { side: sbi.margin_side, top: sbi.margin_top, bottom: sbi.margin_bottom }),
    ...(augments && !obvious && sbi.skin_prob ? [skin(sbi)] : []),
    ...(obvious ? obviousBlend(sbi) : blend(options, sbi)),
    ...(augments && !obvious ? postTransforms(options, sbi) : []),
    obvious || !options.use_compression_aug
      ? null
      : stage('h264', { prob: options.compression_prob, qp: options.compression_qp, codec: options.codec }),
    stage('final_crop', { size: options.img_size, ...cut }),
  ];
  return { stages: stages.filter((spec) => spec !== null) };
}

function skin({
  skin_prob: prob,
  skin_amount: amount,
  skin_radius: radius,
  skin_contrast: contrast,
}: Partial<SbiOptions>) {
  return stage('skin', { prob, amount, radius, contrast });
}

/** The mask comes before the colours, so that only the part of the source that it shows has to be recoloured. */
function blend(options: RecipeOptions, sbi: Partial<SbiOptions>): StageSpec[] {
  return [
    ...(sbi.resample_target ? [stage('resample_target', { passes: sbi.resample_target })] : []),
    ...(sbi.exchange_prob ? [stage('exchange', { prob: sbi.exchange_prob })] : []),
    stage('mask', {
      types: sbi.mask_types,
      landmarks68_prob: sbi.landmarks68_prob,
      mouth_growth: sbi.mouth_growth,
    }),
    stage('affine', { translate_x: sbi.translate_x, translate_y: sbi.translate_y, scale_min: sbi.scale_min }),
    stage('elastic', { alpha: sbi.elastic_alpha, sigma: sbi.elastic_sigma, source: sbi.elastic_source }),
    ...maskMotion(options, sbi),
    stage('soften', {
      size: sbi.soften_size,
      kernel: sbi.soften_kernel,
      sigma: sbi.soften_sigma,
      threshold: sbi.soften_threshold,
      redraws: sbi.mask_redraws,
    }),
    stage('colour', {
      source_prob: sbi.source_transform_prob,
      rgb_shift: sbi.rgb_shift === undefined ? undefined : [0, sbi.rgb_shift],
      rgb_shift_prob: sbi.rgb_shift_prob,
      hsv_mode: sbi.hsv_mode,
      hsv_shift: sbi.hsv_shift,
      hsv_prob: sbi.hsv_prob,
      brightness: sbi.brightness,
      contrast: sbi.contrast,
      brightness_contrast_prob: sbi.brightness_contrast_prob,
      sharpness_prob: sbi.sharpness_prob,
      downscale_prob: sbi.downscale_prob,
      downscale_factors: sbi.downscale_factors,
      sharpen_alpha: sbi.sharpen_alpha,
      sharpen_lightness: sbi.sharpen_lightness,
      focus: sbi.focus,
      blur_sigma: sbi.blur_sigma,
      unsharp: sbi.unsharp,
    }),
    stage('blend', {
      ratios: sbi.mask_ratios,
      weights: options.blend_weights,
      levels: sbi.laplacian_levels,
      sweeps: sbi.poisson_sweeps,
    }),
  ];
}

function maskMotion(options: RecipeOptions, sbi: Partial<SbiOptions>): StageSpec[] {
  const v73Step = sbi.v73_drift_step;
  if (!options.use_multiscale_drift)
    return [stage('drift', { step: v73Step === undefined ? undefined : [v73Step, v73Step], max: sbi.v73_drift_max })];
  return [
    stage('drift', {
      mode: 'multiscale',
      prob: options.drift_prob ?? MULTISCALE_DRIFT.prob,
      step: options.drift_step ?? MULTISCALE_DRIFT.step,
      max: options.drift_max ?? MULTISCALE_DRIFT.max,
    }),
    stage('tps', {
      prob: options.tps_prob,
      points: sbi.tps_points,
      step: sbi.tps_step,
      max: sbi.tps_max,
      grid: sbi.tps_grid,
    }),
  ];
}

function obviousBlend(sbi: Partial<SbiOptions>): StageSpec[] {
  return [
    stage('mask', { types: ['hull'], landmarks68_prob: 0 }),
    stage('colour', {
      source_prob: 1,
      rgb_shift: sbi.obvious_shift ?? [40, 80],
      rgb_shift_prob: 1,
      hsv_prob: 0,
      brightness_contrast_prob: 0,
      sharpness_prob: 0,
    }),
    stage('blend', { ratios: [1] }),
  ];
}

function postTransforms(options: RecipeOptions, sbi: Partial<SbiOptions>): StageSpec[] {
  return [
    ...(options.vfr_prob ? [stage('frame_rate', { prob: options.vfr_prob })] : []),
    stage('post_colour', {
      rgb_shift: sbi.post_rgb_shift === undefined ? undefined : [0, sbi.post_rgb_shift],
      rgb_shift_prob: sbi.post_rgb_shift_prob,
      hsv_mode: sbi.hsv_mode,
      hsv_shift: sbi.post_hsv_shift,
      hsv_prob: sbi.post_hsv_prob,
      brightness: sbi.post_brightness,
      contrast: sbi.post_contrast,
      brightness_contrast_prob: sbi.post_brightness_contrast_prob,
    }),
    ...(sbi.post_rescale_prob ? [stage('rescale', { prob: sbi.post_rescale_prob, factor: sbi.post_rescale })] : []),
    ...(sbi.post_blur_prob ? [stage('post_blur', { prob: sbi.post_blur_prob, sigma: sbi.post_blur_sigma })] : []),
    ...(sbi.post_noise_prob ? [stage('post_noise', { prob: sbi.post_noise_prob, sigma: sbi.post_noise_sigma })] : []),
    stage('jpeg', { prob: sbi.jpeg_prob, quality: sbi.jpeg_quality }),
  ];
}

/** A stage with those parameters that are given. */
function stage(name: string, params: Record<string, unknown>): StageSpec {
  return {
    stage: name,
    params: Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined)),
  };
}
