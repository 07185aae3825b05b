import type { Recipe, StageSpec } from './recipe.js';

/** Settings of self-blending, named as in a training configuration's `sbi` section. */
export type SbiOptions = {
  hsv_mode: 'exact' | 'wide';
  flip_prob: number;
  landmarks68_prob: number;
  mask_types: readonly string[];
  margin_side: number;
  margin_top: number;
  margin_bottom: number;
  source_transform_prob: number;
  rgb_shift: number;
  rgb_shift_prob: number;
  hsv_shift: number;
  hsv_prob: number;
  brightness: number;
  contrast: number;
  brightness_contrast_prob: number;
  downscale_prob: number;
  downscale_factors: readonly number[];
  sharpen_alpha: readonly [number, number];
  sharpen_lightness: readonly [number, number];
  translate_x: number;
  translate_y: number;
  scale_min: number;
  elastic_alpha: number;
  elastic_sigma: number;
  v73_drift_step: number;
  v73_drift_max: number;
  soften_size: readonly [number, number];
  soften_kernel: readonly [number, number];
  soften_sigma: readonly [number, number];
  soften_threshold: number;
  mask_redraws: number;
  mask_ratios: readonly number[];
  post_rgb_shift: number;
  post_rgb_shift_prob: number;
  post_hsv_shift: number;
  post_hsv_prob: number;
  post_brightness: number;
  post_contrast: number;
  post_brightness_contrast_prob: number;
  jpeg_prob: number;
  jpeg_quality: readonly [number, number];
  final_margin: readonly [number, number];
  final_margin_eval: number;
  final_margin_fraction: number;
  obvious_shift: readonly [number, number];
};

export type RecipeOptions = {
  /** Side of the finished frames, pixels. */
  img_size: number;
  num_segments: number;
  frames_per_segment: number;
  /** `obvious`: fakes that a small model learns to see quickly (see `trainingRecipe`). */
  difficulty?: 'default' | 'obvious';
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
  const sbi = options.sbi ?? {};
  return recipe(options, stage('flip', { prob: sbi.flip_prob }), sbi.final_margin, true);
}

/** The recipe of a validation pair: as in training, but not flipped, recoloured or compressed, and cut alike. */
export function validationRecipe(options: RecipeOptions): Recipe {
  const margin = options.sbi?.final_margin_eval ?? 0.5;
  return recipe(options, null, [margin, margin], false);
}

function recipe(
  options: RecipeOptions,
  flip: StageSpec | null,
  margin: readonly [number, number] | undefined,
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
    ...(obvious ? obviousBlend(sbi) : blend(sbi)),
    ...(augments && !obvious ? postTransforms(sbi) : []),
    stage('final_crop', { size: options.img_size, margin, fraction: sbi.final_margin_fraction }),
  ];
  return { stages: stages.filter((spec) => spec !== null) };
}

/** The mask comes before the colours, so that only the part of the source that it shows has to be recoloured. */
function blend(sbi: Partial<SbiOptions>): StageSpec[] {
  return [
    stage('mask', { types: sbi.mask_types, landmarks68_prob: sbi.landmarks68_prob }),
    stage('affine', { translate_x: sbi.translate_x, translate_y: sbi.translate_y, scale_min: sbi.scale_min }),
    stage('elastic', { alpha: sbi.elastic_alpha, sigma: sbi.elastic_sigma }),
    stage('drift', { max_step: sbi.v73_drift_step, max_cumulative: sbi.v73_drift_max }),
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
      downscale_prob: sbi.downscale_prob,
      downscale_factors: sbi.downscale_factors,
      sharpen_alpha: sbi.sharpen_alpha,
      sharpen_lightness: sbi.sharpen_lightness,
    }),
    stage('blend', { ratios: sbi.mask_ratios }),
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

function postTransforms(sbi: Partial<SbiOptions>): StageSpec[] {
  return [
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
