import type { StfConfig } from './configSchema.js';

/**
 * Every setting with its default: STF-Mamba V7.3 as published (224 px, 32 frames in four runs of eight), and the
 * numbers of self-blended images as in the authors' code (Shiohara and Yamasaki, CVPR 2022,
 * https://github.com/mapooon/SelfBlendedImages). Returns a fresh record each time.
 */
export const defaultConfig = (): StfConfig => ({
  // data
  batch_size: 16, // clips per micro-batch, half real and half fake
  num_workers: 8, // 0: as many as are measured to be needed, at most one per core less the trainer's
  prefetch_batches: 2, // micro-batches that may lie ready before the trainer asks for them
  img_size: 224,
  num_frames: 32,
  num_segments: 4, // runs of contiguous frames in a clip
  frames_per_segment: 8,
  mixed_frames: false, // each frame of a training clip of another clip and blended by itself: for the trunk, not for time
  data_root: null,

  // model
  in_channels: 3,
  num_classes: 2,
  stem_dim: 48, // the pyramid of ConvNeXt V2 Femto (Woo et al., 2023)
  stage1_dim: 96,
  stage2_dim: 192,
  stage3_dim: 384,
  stage4_dim: 384,
  stage1_blocks: 2,
  stage2_blocks: 2,
  stage3_blocks: 4,
  stage4_blocks: 2,
  dwt_channels: 64,
  dwt_hidden_dim: 64,
  dwt_boundary: 'reflect',
  hll_fusion_alpha: 0.7,
  d_state: 16, // Mamba's sizes (Gu and Dao, 2023)
  d_conv: 4,
  ssm_expand: 2,
  num_heads: 8,
  mlp_ratio: 2,
  dropout: 0.3, // in the head only
  drop_path: 0.1,
  dcconv_kernel_length: 9,
  spatial_backbone: 'v73',
  convnext_variant: 'femto',
  backbone_weights: null, // a .safetensors, .pt or .pth file; 'none'; null: what comes with the backbone, if anything
  backbone_freeze_stages: 2, // stem and so many stages stay as loaded; without loaded weights nothing is frozen
  backbone_batch_norm: 'inference', // EfficientNet: normalise by the stored statistics, also while training
  frame_pooling: 'mean', // contrast: the face less what surrounds it
  hydra_d_conv: 7, // Hydra's symmetric convolution (Hwang et al., 2024)
  hydra_headdim: 64,
  adaptive_experts: 4,
  adaptive_gamma_init: 1,
  wss_dim: 128,

  // training
  num_epochs: 70,
  lr: 5e-4,
  weight_decay: 0.05,
  warmup_epochs: 5,
  min_lr: 1e-6,
  label_smoothing: 0.1,
  pair_loss_weight: 0, // of the ranking loss within pairs
  frame_loss_weight: 0, // of the trunk's own loss on every frame by itself
  hll_loss_weight: 0.1,
  hll_loss_margin: 1,
  hll_loss_mode: 'mean',
  max_grad_norm: 1,
  grad_accum: 2, // micro-batches per optimiser step
  amp_dtype: 'bfloat16',
  backbone_lr_mult: 0.01, // applied only when pretrained trunk weights were loaded
  grad_checkpoint: false,
  ema_decay: 0, // 0: no moving average
  seed: 42,
  checkpoint_steps: 200, // optimiser steps between two writes of `last`
  checkpoint_minutes: 10, // `last` is written as well when the one before is so old; 0: by steps alone
  keep_checkpoints: 2, // earlier `last` to keep, to fall back on when the newest is damaged
  val_every_epochs: 1,
  val_pairs: 32, // at least this many held-out pairs a validation; each clip of the split at least once
  cost_per_hour: 1.39, // USD; 0: the machine costs nothing and the budget never ends a run
  max_budget: 5, // USD
  budget_reserve_hours: 0.1, // the run stops while this much machine time is still paid for

  // features
  use_contrastive_hll: false,
  use_compression_aug: false,
  use_multiscale_drift: false,
  use_hll_normalization: false,
  use_hydra: false,
  use_mamer: false,
  use_wss: false,
  use_adaptive_sdim: false,

  // sbi, flat
  compression_prob: 0.5,
  compression_qp: [23, 40],
  drift_step: [0.5, 5], // pixels at 224
  drift_max: 8, // pixels at 224
  drift_prob: 0.8,
  tps_prob: 0.3,
  vfr_prob: 0,
  blend_weights: { alpha: 1, poisson: 0, laplacian: 0 },

  sbi: {
    difficulty: 'default',
    hsv_mode: 'exact', // what the published code does to 8-bit pictures; wide: the range its numbers suggest
    flip_prob: 0.5,
    landmarks68_prob: 0.25, // leave out the forehead points
    mask_types: ['hull'],
    mouth_growth: [1.2, 1.9], // of mask type mouth: sizes of the lips
    // margin crop: shares of the landmark box's width (sides) and height (top, bottom)
    margin_side: 0.5,
    margin_top: 1,
    margin_bottom: 0.4,
    // the person's skin, smoother (to 1) or rougher (below 0) in both members before the blend
    skin_prob: 0,
    skin_amount: [-0.8, 1],
    skin_radius: [2, 5], // pixels at 224
    skin_contrast: [5, 20], // texture of less contrast is changed, 8-bit levels
    resample_target: 0, // so often sample the target between its pixels, as the source is: else fakes are softer
    exchange_prob: 0, // fakes that get another person's face instead of their own (Face X-ray)
    // colour and sharpness of one member of the blend
    source_transform_prob: 0.5, // on the source, else on the target
    rgb_shift: 20, // 8-bit levels
    rgb_shift_prob: 0.3,
    hsv_shift: 0.3,
    hsv_prob: 1,
    brightness: 0.1,
    contrast: 0.1,
    brightness_contrast_prob: 1,
    sharpness_prob: 1, // that sharpness changes at all
    downscale_prob: 0.5, // softer, else sharper
    downscale_factors: [2, 4],
    sharpen_alpha: [0.2, 0.5],
    sharpen_lightness: [0.5, 1],
    focus: 'published', // footage: softer or sharper as scaling and cameras make it, by the two ranges below
    blur_sigma: [0.5, 2], // pixels at 224
    unsharp: [0.3, 1.2],
    // affine motion of source and mask, elastic motion of the mask
    translate_x: 0.03, // shares of width and height
    translate_y: 0.015,
    scale_min: 0.95, // scales are drawn from [scale_min, 1/scale_min]
    elastic_alpha: 50, // pixels
    elastic_sigma: 7, // pixels
    elastic_source: false, // the source bends with the mask
    // mask drift of V7.3, used while features.use_multiscale_drift is off; pixels at 224
    v73_drift_step: 1,
    v73_drift_max: 2,
    // thin-plate spline
    tps_points: 12,
    tps_step: 0.4,
    tps_max: 3,
    tps_grid: 28,
    // softening of the mask
    soften_size: [192, 256],
    soften_kernel: [5, 25],
    soften_sigma: [5, 45],
    soften_threshold: 1e-4, // keep what lies within this of 1 after the first blur; 0.5: the outline stays
    mask_redraws: 10, // attempts before an empty mask fails the sample
    mask_ratios: [0.25, 0.5, 0.75, 1, 1, 1],
    laplacian_levels: 5,
    poisson_sweeps: 60,
    // both members, after the blend
    post_rgb_shift: 20,
    post_rgb_shift_prob: 0.3,
    post_hsv_shift: 0.3,
    post_hsv_prob: 0.3,
    post_brightness: 0.3,
    post_contrast: 0.3,
    post_brightness_contrast_prob: 0.3,
    post_blur_prob: 0, // softens both members alike
    post_blur_sigma: [0.3, 1.2], // pixels at 224
    post_rescale_prob: 0, // a smaller picture for both members alike, which JPEG and H.264 then compress
    post_rescale: [0.4, 1], // shares of the crop's sides
    post_noise_prob: 0, // the same noise for both members
    post_noise_sigma: [1, 6], // 8-bit levels
    jpeg_prob: 0.5,
    jpeg_quality: [40, 100],
    codec: 'auto', // what makes H.264: node-av in the process, the ffmpeg program, or jpeg in its place
    framing: 'detector', // the final crop: a detector's box, stretched to the square picture; square: proportions kept
    // detector: each side's margin is box size · final_margin_fraction · U(final_margin)
    final_margin: [0.2, 0.8],
    final_margin_eval: 0.5,
    final_margin_fraction: 0.25,
    // square: its side, in longer sides of the box around the 68 landmarks; its centre, in sides of the square
    square_side: [1.15, 1.55],
    square_side_eval: 1.35,
    square_shift: 0.04,
    // difficulty `obvious`: colour shift inside the hull, 8-bit levels, random sign per channel
    obvious_shift: [40, 80],
  },

  engine: { name: 'auto', step: 'recorded', kernels: 'on', staging: 'auto' },

  failures: {
    max_count: 100,
    max_rate: 0.2,
    min_samples: 20,
    max_skips_in_a_row: 10, // steps without a finite loss and gradient before the run goes back to a checkpoint
    max_restarts: 2, // how often it does so, each time at a fifth of the rate
    wait_minutes: 10, // for a full disk or a data root that is gone to come back, before the run saves and stops
  },
});
