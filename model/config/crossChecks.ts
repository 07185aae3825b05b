import type { ConfigIssue } from './configError.js';
import type { StfConfig } from './configSchema.js';

type Check = {
  /** Settings that the rule reads: it is skipped when one of them is unusable on its own. */
  reads: string[];
  path: string;
  /** What is wrong, or undefined. */
  problem: (config: StfConfig) => string | undefined;
};

const stages = [1, 2, 3, 4] as const;
const flags = ['use_mamer', 'use_adaptive_sdim'] as const;

/** Rules between settings. Breaking one makes the configuration unusable. */
const errors: Check[] = [
  ...flags.map(
    (flag): Check => ({
      reads: [flag, 'use_hydra'],
      path: `features.${flag}`,
      problem: (c) =>
        c[flag] && !c.use_hydra ? 'expected use_hydra to be on as well: it changes Hydra stages' : undefined,
    }),
  ),
  {
    reads: ['num_frames', 'num_segments', 'frames_per_segment'],
    path: 'data.num_frames',
    problem: (c) =>
      c.num_segments * c.frames_per_segment !== c.num_frames
        ? `expected num_segments · frames_per_segment = ${c.num_segments} · ${c.frames_per_segment} = ` +
          `${c.num_segments * c.frames_per_segment}, received ${c.num_frames}`
        : undefined,
  },
  {
    reads: ['frames_per_segment', 'num_frames'],
    path: 'data.frames_per_segment',
    problem: (c) =>
      c.frames_per_segment % 2 !== 0 || c.frames_per_segment < 4
        ? `expected an even number of at least 4 (the wavelet halves each run of frames), received ${c.frames_per_segment}`
        : undefined,
  },
  {
    reads: ['mixed_frames', 'hll_loss_weight'],
    path: 'data.mixed_frames',
    problem: (c) =>
      c.mixed_frames && c.hll_loss_weight > 0
        ? 'expected training.hll_loss_weight=0 beside it: frames of different videos show no flicker'
        : undefined,
  },
  ...stages.map(
    (i): Check => ({
      reads: [`stage${i}_dim`, 'num_heads'],
      path: `model.stage${i}_dim`,
      problem: (c) =>
        c[`stage${i}_dim`] % c.num_heads !== 0
          ? `expected a multiple of num_heads ${c.num_heads}, received ${c[`stage${i}_dim`]}`
          : undefined,
    }),
  ),
  ...stages.map(
    (i): Check => ({
      reads: [`stage${i}_dim`, 'ssm_expand', 'hydra_headdim'],
      path: `model.hydra_headdim`,
      problem: (c) => {
        const inner = c.ssm_expand * c[`stage${i}_dim`];
        return inner % Math.min(c.hydra_headdim, inner) !== 0
          ? `expected a divisor of ssm_expand · stage${i}_dim = ${inner}, received ${c.hydra_headdim}`
          : undefined;
      },
    }),
  ),
  {
    reads: ['wss_dim', 'ssm_expand', 'hydra_headdim', 'use_wss'],
    path: 'model.hydra_headdim',
    problem: (c) => {
      const inner = c.ssm_expand * c.wss_dim;
      return c.use_wss && inner % Math.min(c.hydra_headdim, inner) !== 0
        ? `expected a divisor of ssm_expand · wss_dim = ${inner}, received ${c.hydra_headdim}`
        : undefined;
    },
  },
  ...([1, 2] as const).map(
    (i): Check => ({
      reads: [`stage${i}_dim`],
      path: `model.stage${i}_dim`,
      problem: (c) =>
        c[`stage${i}_dim`] % 4 !== 0
          ? `expected a multiple of 4 (contour convolutions work on a quarter of the channels), received ${c[`stage${i}_dim`]}`
          : undefined,
    }),
  ),
  ...stages.map(
    (i): Check => ({
      reads: [`stage${i}_dim`, 'mlp_ratio'],
      path: 'model.mlp_ratio',
      problem: (c) =>
        !Number.isInteger(c.mlp_ratio * c[`stage${i}_dim`])
          ? `expected mlp_ratio · stage${i}_dim to be an integer, received ${c.mlp_ratio} · ${c[`stage${i}_dim`]}`
          : undefined,
    }),
  ),
  {
    reads: ['adaptive_experts', 'd_state', 'use_adaptive_sdim'],
    path: 'model.adaptive_experts',
    problem: (c) =>
      c.use_adaptive_sdim && (2 * c.d_state) % c.adaptive_experts !== 0
        ? `expected a divisor of 2 · d_state = ${2 * c.d_state}, received ${c.adaptive_experts}`
        : undefined,
  },
  {
    reads: ['dwt_channels', 'use_wss'],
    path: 'model.dwt_channels',
    problem: (c) =>
      c.use_wss && c.dwt_channels % 2 !== 0
        ? `expected an even number (the wavelet-selective scan squeezes two bands to a quarter), received ${c.dwt_channels}`
        : undefined,
  },
  {
    reads: ['spatial_backbone', 'backbone_weights'],
    path: 'model.backbone_weights',
    problem: (c) =>
      c.spatial_backbone === 'v73' && c.backbone_weights !== null && c.backbone_weights !== 'none'
        ? `expected spatial_backbone convnextv2 or efficientnet_lite0 for ${c.backbone_weights}: the native trunk (v73) has no pretrained weights`
        : undefined,
  },
  {
    reads: ['frame_pooling', 'img_size'],
    path: 'model.frame_pooling',
    problem: (c) =>
      c.frame_pooling === 'contrast' && c.img_size < 96
        ? `expected data.img_size of at least 96 for contrast, received ${c.img_size}: the coarsest map would have no place for the face and for what surrounds it`
        : undefined,
  },
  {
    reads: ['lr', 'min_lr'],
    path: 'training.min_lr',
    problem: (c) => (c.min_lr > c.lr ? `expected at most lr ${c.lr}, received ${c.min_lr}` : undefined),
  },
  {
    reads: ['blend_weights'],
    path: 'sbi.blend_weights',
    problem: ({ blend_weights: w }) =>
      w.alpha + w.poisson + w.laplacian > 0 ? undefined : 'expected at least one weight above 0',
  },
  {
    reads: ['sbi.difficulty'],
    path: 'sbi.difficulty',
    problem: ({ sbi: { difficulty } }) => {
      if (typeof difficulty === 'string') return undefined;
      const epochs = difficulty.map((entry) => entry.from_epoch);
      const ordered = epochs.every((epoch, i) => (i === 0 ? epoch === 0 : epoch > epochs[i - 1]!));
      return ordered
        ? undefined
        : `expected from_epoch to start at 0 and to rise from entry to entry, received [${epochs}]`;
    },
  },
  {
    reads: ['amp_dtype'],
    path: 'training.amp_dtype',
    problem: (c) =>
      c.amp_dtype === 'float16'
        ? 'expected "bfloat16" or "float32", received "float16": its range ends at 65504, so gradients would need to ' +
          'be scaled, which is not built; bfloat16 has the range of float32'
        : undefined,
  },
];

/** Settings that work but probably do not do what was meant. */
const warnings: Check[] = [
  {
    reads: ['use_hll_normalization', 'use_contrastive_hll'],
    path: 'features.use_hll_normalization',
    problem: (c) =>
      c.use_hll_normalization && !c.use_contrastive_hll ? 'no effect without use_contrastive_hll' : undefined,
  },
  {
    reads: ['use_contrastive_hll', 'use_hll_normalization', 'hll_loss_margin', 'hll_loss_weight'],
    path: 'training.hll_loss_margin',
    problem: (c) =>
      c.use_contrastive_hll && c.use_hll_normalization && c.hll_loss_margin >= 1 && c.hll_loss_weight > 0
        ? `with normalised energies in [0,1] the hinge at margin ${c.hll_loss_margin} is never inactive: the term is ` +
          'linear in the gap (0.1 is a margin that can be reached)'
        : undefined,
  },
  {
    reads: ['amp_dtype', 'engine.step'],
    path: 'training.amp_dtype',
    problem: (c) =>
      c.amp_dtype === 'bfloat16' && c.engine.step === 'eager'
        ? 'requested=bfloat16, effective=float32: only recorded steps compute in bfloat16'
        : undefined,
  },
  {
    reads: ['spatial_backbone', 'backbone_weights'],
    path: 'model.backbone_weights',
    problem: (c) =>
      c.spatial_backbone === 'convnextv2' && (c.backbone_weights === null || c.backbone_weights === 'none')
        ? 'ConvNeXt V2 starts from random weights: no file is given'
        : undefined,
  },
  {
    reads: ['spatial_backbone', 'backbone_weights', 'backbone_batch_norm'],
    path: 'model.backbone_weights',
    problem: (c) =>
      c.spatial_backbone === 'efficientnet_lite0' && c.backbone_weights === 'none'
        ? 'EfficientNet-Lite0 starts from random weights' +
          (c.backbone_batch_norm === 'inference' ? ', and learns better so with backbone_batch_norm: train' : '')
        : undefined,
  },
  {
    reads: ['spatial_backbone', 'backbone_batch_norm'],
    path: 'model.backbone_batch_norm',
    problem: (c) =>
      c.spatial_backbone !== 'efficientnet_lite0' && c.backbone_batch_norm === 'train'
        ? `no effect: ${c.spatial_backbone} has no batch normalisation`
        : undefined,
  },
  {
    reads: ['frame_pooling', 'sbi.framing'],
    path: 'model.frame_pooling',
    problem: (c) =>
      c.frame_pooling === 'contrast' && c.sbi.framing !== 'square'
        ? `contrast expects the face where sbi.framing: square puts it, and framing is ${c.sbi.framing}`
        : undefined,
  },
  {
    reads: ['warmup_epochs', 'num_epochs'],
    path: 'training.warmup_epochs',
    problem: (c) =>
      c.warmup_epochs >= c.num_epochs
        ? `the learning rate is still rising when the ${c.num_epochs} epochs end (warm-up ${c.warmup_epochs})`
        : undefined,
  },
  {
    reads: ['cost_per_hour', 'max_budget', 'budget_reserve_hours'],
    path: 'training.max_budget',
    problem: (c) =>
      c.max_budget < c.cost_per_hour * c.budget_reserve_hours
        ? `${c.max_budget} USD is less than the reserve of ${c.budget_reserve_hours} h at ${c.cost_per_hour} USD/h: the run stops at once`
        : undefined,
  },
];

const run = (checks: Check[], config: StfConfig, unusable: ReadonlySet<string>): ConfigIssue[] =>
  checks.flatMap(({ reads, path, problem }) => {
    const message = reads.some((name) => unusable.has(name)) ? undefined : problem(config);
    return message === undefined ? [] : [{ path, message }];
  });

/** Everything wrong between the settings of `config`; rules that read an `unusable` setting are left out. */
export const crossErrors = (config: StfConfig, unusable: ReadonlySet<string> = new Set()) =>
  run(errors, config, unusable);

/** Everything doubtful about `config`, in words. */
export const crossWarnings = (config: StfConfig) =>
  run(warnings, config, new Set()).map(({ path, message }) => `${path}: ${message}`);
