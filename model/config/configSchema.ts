import { z } from 'zod';

/**
 * The schema of every setting, grouped as in the YAML files. Values only: defaults live in `defaults.ts`, rules that
 * tie several settings together in `crossChecks.ts`.
 */

const count = z.int().min(1);
const probability = z.number().min(0).max(1);
const fraction = z.number().min(0).lt(1);
const positive = z.number().positive();
const nonNegative = z.number().min(0);
/** Standard deviation of a blur, pixels at 224; each pixel more takes more passes over every frame. */
const blurSigma = z.number().min(0).max(20);
/** With more, the whole numbers that sharpening counts in would overflow. */
const sharpening = z.number().min(0).max(100);
/** A smaller square shows a part of the face. */
const squareSide = z.number().min(0.5).max(10);
const odd = z.int().refine((n) => n % 2 === 1, { error: 'expected an odd integer' });

/** `[low, high]`, both ends included. */
const rangeOf = (element: z.ZodType<number>) =>
  z.tuple([element, element]).refine(([low, high]) => low <= high, { error: 'expected [low, high] with low <= high' });

const difficulty = z.enum(['default', 'obvious']);

const dataShape = {
  batch_size: z.int().min(2).multipleOf(2),
  num_workers: z.int().min(0),
  prefetch_batches: count,
  img_size: z.int().min(32).multipleOf(32),
  num_frames: z.int().min(4),
  num_segments: count,
  frames_per_segment: z.int().min(4).multipleOf(2),
  mixed_frames: z.boolean(),
  data_root: z.string().min(1).nullable(),
};

const modelShape = {
  in_channels: z.literal(3),
  num_classes: z.literal(2),
  stem_dim: count,
  stage1_dim: count,
  stage2_dim: count,
  stage3_dim: count,
  stage4_dim: count,
  stage1_blocks: count,
  stage2_blocks: count,
  stage3_blocks: count,
  stage4_blocks: count,
  dwt_channels: count,
  dwt_hidden_dim: count,
  dwt_boundary: z.enum(['reflect', 'periodization']),
  hll_fusion_alpha: z.number().gt(0).lt(1),
  d_state: count,
  d_conv: count,
  ssm_expand: count,
  num_heads: count,
  mlp_ratio: positive,
  dropout: fraction,
  drop_path: fraction,
  dcconv_kernel_length: odd.min(3),
  spatial_backbone: z.enum(['v73', 'convnextv2', 'efficientnet_lite0']),
  convnext_variant: z.enum(['atto', 'femto', 'pico', 'nano', 'tiny', 'base']),
  backbone_weights: z.string().min(1).nullable(),
  backbone_freeze_stages: z.int().min(0).max(4),
  backbone_batch_norm: z.enum(['inference', 'train']),
  frame_pooling: z.enum(['mean', 'contrast']),
  hydra_d_conv: odd.min(1),
  hydra_headdim: count,
  adaptive_experts: count,
  adaptive_gamma_init: z.number(),
  wss_dim: count,
};

const trainingShape = {
  num_epochs: count,
  lr: positive,
  weight_decay: nonNegative,
  warmup_epochs: nonNegative,
  min_lr: nonNegative,
  label_smoothing: fraction,
  pair_loss_weight: nonNegative,
  frame_loss_weight: nonNegative,
  hll_loss_weight: nonNegative,
  hll_loss_margin: z.number(),
  hll_loss_mode: z.enum(['mean', 'paired']),
  max_grad_norm: positive,
  grad_accum: count,
  amp_dtype: z.enum(['float32', 'bfloat16', 'float16']),
  backbone_lr_mult: nonNegative,
  grad_checkpoint: z.boolean(),
  ema_decay: fraction,
  seed: z.int().min(0),
  checkpoint_steps: count,
  checkpoint_minutes: nonNegative,
  keep_checkpoints: z.int().min(0),
  val_every_epochs: count,
  val_pairs: count,
  cost_per_hour: nonNegative,
  max_budget: nonNegative,
  budget_reserve_hours: nonNegative,
};

const featureShape = {
  use_contrastive_hll: z.boolean(),
  use_compression_aug: z.boolean(),
  use_multiscale_drift: z.boolean(),
  use_hll_normalization: z.boolean(),
  use_hydra: z.boolean(),
  use_mamer: z.boolean(),
  use_wss: z.boolean(),
  use_adaptive_sdim: z.boolean(),
};

/** Settings written under `sbi` in YAML that are flat fields of the record, as the published method names them. */
const flatSbiShape = {
  compression_prob: probability,
  compression_qp: rangeOf(z.int().min(0).max(51)),
  drift_step: rangeOf(positive),
  drift_max: nonNegative,
  drift_prob: probability,
  tps_prob: probability,
  vfr_prob: probability,
  blend_weights: z.strictObject({ alpha: nonNegative, poisson: nonNegative, laplacian: nonNegative }),
};

const sbiShape = {
  difficulty: z.union([difficulty, z.array(z.strictObject({ from_epoch: z.int().min(0), difficulty })).min(1)], {
    error: 'expected "default", "obvious" or a list of {from_epoch, difficulty}',
  }),
  hsv_mode: z.enum(['exact', 'wide']),
  flip_prob: probability,
  landmarks68_prob: probability,
  mask_types: z
    .array(z.enum(['hull', 'dfl_full', 'components', 'extended', 'facehull', 'inner', 'lower', 'mouth']))
    .min(1),
  mouth_growth: rangeOf(positive),
  margin_side: nonNegative,
  margin_top: nonNegative,
  margin_bottom: nonNegative,
  skin_prob: probability,
  skin_amount: rangeOf(z.number().min(-4).max(1)),
  skin_radius: rangeOf(positive.max(50)),
  skin_contrast: rangeOf(positive.max(255)),
  resample_target: z.int().min(0).max(4),
  exchange_prob: probability,
  source_transform_prob: probability,
  rgb_shift: nonNegative,
  rgb_shift_prob: probability,
  hsv_shift: nonNegative,
  hsv_prob: probability,
  brightness: fraction,
  contrast: fraction,
  brightness_contrast_prob: probability,
  sharpness_prob: probability,
  downscale_prob: probability,
  downscale_factors: z.array(z.int().min(1)).min(1),
  sharpen_alpha: rangeOf(probability),
  sharpen_lightness: rangeOf(sharpening),
  focus: z.enum(['published', 'footage']),
  blur_sigma: rangeOf(blurSigma),
  unsharp: rangeOf(sharpening),
  translate_x: fraction,
  translate_y: fraction,
  scale_min: z.number().gt(0).max(1),
  elastic_alpha: nonNegative.max(1000),
  elastic_sigma: positive,
  elastic_source: z.boolean(),
  v73_drift_step: nonNegative,
  v73_drift_max: nonNegative,
  tps_points: z.int().min(3),
  tps_step: nonNegative,
  tps_max: nonNegative,
  tps_grid: z.int().min(2),
  soften_size: rangeOf(count),
  soften_kernel: rangeOf(odd.min(1)),
  soften_sigma: rangeOf(positive),
  soften_threshold: z.number().gt(0).lt(1),
  mask_redraws: count,
  mask_ratios: z.array(z.number().gt(0).max(1)).min(1),
  laplacian_levels: count,
  poisson_sweeps: count,
  post_rgb_shift: nonNegative,
  post_rgb_shift_prob: probability,
  post_hsv_shift: nonNegative,
  post_hsv_prob: probability,
  post_brightness: fraction,
  post_contrast: fraction,
  post_brightness_contrast_prob: probability,
  post_blur_prob: probability,
  post_blur_sigma: rangeOf(blurSigma),
  post_rescale_prob: probability,
  post_rescale: rangeOf(z.number().min(0.1).max(1)),
  post_noise_prob: probability,
  post_noise_sigma: rangeOf(z.number().min(0).max(255)),
  jpeg_prob: probability,
  jpeg_quality: rangeOf(z.int().min(1).max(100)),
  codec: z.enum(['auto', 'node-av', 'ffmpeg', 'jpeg']),
  framing: z.enum(['detector', 'square']),
  final_margin: rangeOf(nonNegative),
  final_margin_eval: nonNegative,
  final_margin_fraction: nonNegative,
  square_side: rangeOf(squareSide),
  square_side_eval: squareSide,
  square_shift: fraction,
  obvious_shift: rangeOf(z.number().min(0).max(255)),
};

const engineShape = {
  name: z.enum(['auto', 'tensorflow', 'tensorflow-cuda', 'wasm']),
  step: z.enum(['eager', 'recorded']),
  kernels: z.enum(['on', 'off']),
  staging: z.enum(['auto', 'on', 'off']),
};

const failuresShape = {
  max_count: z.int().min(0),
  max_rate: probability,
  min_samples: count,
  max_skips_in_a_row: count,
  max_restarts: z.int().min(0),
  wait_minutes: nonNegative,
};

/** The sections of a YAML file, each with every key it may hold. */
export const sectionShapes = {
  data: dataShape,
  model: modelShape,
  training: trainingShape,
  features: featureShape,
  sbi: { ...sbiShape, ...flatSbiShape },
  engine: engineShape,
  failures: failuresShape,
} as const;

export type SectionName = keyof typeof sectionShapes;
export const sectionNames = Object.keys(sectionShapes) as SectionName[];

/** Sections that stay nested objects in the resolved record; the keys of the others lie flat in it. */
export const nestedShapes = { sbi: sbiShape, engine: engineShape, failures: failuresShape } as const;

/** Other names under which a key is known, per section (the names of the published YAML files). */
export const aliases: Partial<Record<SectionName, Record<string, string>>> = {
  data: { image_size: 'img_size' },
  training: { gradient_accumulation_steps: 'grad_accum' },
};

/** The whole resolved record: flat, snake_case, with three nested objects. */
export const stfConfigSchema = z.strictObject({
  ...dataShape,
  ...modelShape,
  ...trainingShape,
  ...featureShape,
  ...flatSbiShape,
  sbi: z.strictObject(sbiShape),
  engine: z.strictObject(engineShape),
  failures: z.strictObject(failuresShape),
});

export type StfConfig = z.infer<typeof stfConfigSchema>;
export type Difficulty = z.infer<typeof difficulty>;
