import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  baseline,
  ConfigError,
  type ConfigInput,
  debug,
  difficultyAt,
  phaseA,
  phaseB,
  resolveConfig,
  stfConfigSchema,
  toSections,
} from '../../../model/config/stfConfig.js';

const yaml = (text: string) => ({ text, file: 'run.yaml' });

/** The problems found, as `path: message` lines. */
function problems(input: ConfigInput): string[] {
  try {
    resolveConfig(input);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe('bounds', () => {
  it('hold what would not end, or overflow, away from the synthesis', () => {
    const sections = (sbi: string) => problems({ yaml: yaml(`sbi: {${sbi}}`) });
    expect(sections('blur_sigma: [1, 20], post_blur_sigma: [0, 20], unsharp: [0, 100]')).toEqual([]);
    expect(sections('blur_sigma: [1, 21]')).toEqual([expect.stringMatching(/^sbi\.blur_sigma.*20/)]);
    expect(sections('post_blur_sigma: [1, .inf]')).toEqual([expect.stringMatching(/^sbi\.post_blur_sigma/)]);
    expect(sections('unsharp: [1, 200]')).toEqual([expect.stringMatching(/^sbi\.unsharp.*100/)]);
    expect(sections('sharpen_lightness: [1, 200]')).toEqual([expect.stringMatching(/^sbi\.sharpen_lightness.*100/)]);
  });
});

describe('merging', () => {
  it('lays preset, object, file and overrides over one another', () => {
    const { config } = resolveConfig({
      preset: 'b',
      object: { training: { weight_decay: 0.1, min_lr: 2e-6, warmup_epochs: 7 } },
      yaml: yaml('training: {min_lr: 3.0e-6, warmup_epochs: 8}'),
      overrides: ['training.warmup_epochs=9'],
    });
    expect(config).toMatchObject({ lr: 1e-4, weight_decay: 0.1, min_lr: 3e-6, warmup_epochs: 9, use_hydra: true });
  });

  it('reads the published layout and its names', () => {
    const { config } = resolveConfig({
      yaml: yaml('data:\n  image_size: 96\ntraining:\n  gradient_accumulation_steps: 3\n  lr: 5.0e-4\n'),
    });
    expect(config).toMatchObject({ img_size: 96, grad_accum: 3, lr: 5e-4 });
  });

  it('takes an empty file and empty sections', () => {
    expect(resolveConfig({ yaml: yaml('# nothing\ndata:\n') }).config).toEqual(baseline());
  });

  it('takes values in YAML notation from overrides, and paths as they stand', () => {
    const { config } = resolveConfig({
      overrides: [
        'training.lr=1e-3',
        'features.use_contrastive_hll=true',
        'sbi.compression_qp=[20, 30]',
        'data.data_root=C:\\faces: #1',
        'sbi.blend_weights.poisson=0.5',
        'sbi.codec=ffmpeg',
        'sbi.difficulty=[{from_epoch: 0, difficulty: obvious}, {from_epoch: 5, difficulty: default}]',
        'training.lr=2e-3',
      ],
    });
    expect(config).toMatchObject({
      lr: 2e-3,
      use_contrastive_hll: true,
      compression_qp: [20, 30],
      data_root: 'C:\\faces: #1',
      blend_weights: { alpha: 1, poisson: 0.5, laplacian: 0 },
      sbi: { codec: 'ffmpeg' },
    });
    expect(baseline().sbi.codec).toBe('auto');
    expect([0, 4, 5, 90].map((epoch) => difficultyAt(config, epoch))).toEqual([
      'obvious',
      'obvious',
      'default',
      'default',
    ]);
  });

  it('makes one run of frames of a length given alone, whatever the order of the options', () => {
    expect(resolveConfig({ overrides: ['data.num_frames=16'] }).config).toMatchObject({
      num_frames: 16,
      num_segments: 1,
      frames_per_segment: 16,
    });
    const all = ['data.num_segments=2', 'data.frames_per_segment=8', 'data.num_frames=16'];
    expect(resolveConfig({ overrides: all }).config).toMatchObject({ num_segments: 2, frames_per_segment: 8 });
    expect(resolveConfig({ overrides: all.reverse() }).config).toMatchObject({ num_segments: 2 });
    expect(resolveConfig({ yaml: yaml('data: {num_frames: 8}') }).config.frames_per_segment).toBe(8);
  });

  it.each([baseline(), phaseA('RTX 4090'), phaseB(), debug()])('gives a saved configuration back (%#)', (config) => {
    expect(resolveConfig({ object: toSections(config) }).config).toEqual(config);
    expect(resolveConfig({ object: JSON.parse(JSON.stringify(config)) }).config).toEqual(config);
    expect(Object.keys(toSections(config))).toEqual([
      'data',
      'model',
      'training',
      'features',
      'sbi',
      'engine',
      'failures',
    ]);
    expect(stfConfigSchema.parse(config)).toEqual(config);
  });

  it('hands out fresh records', () => {
    resolveConfig({ preset: 'a' }).config.sbi.mask_ratios.push(9);
    expect(resolveConfig({ preset: 'a' }).config.sbi.mask_ratios).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });
});

describe('problems', () => {
  it('lists all of them at once, with their paths and lines', () => {
    const text = [
      'data:',
      '  batch_size: 3',
      'training:',
      '  lr: fast',
      '  warmup_epocs: 2',
      '  grad_accum: 1.5',
      'sbi:',
      '  jpeg_quality: [90, 40]',
      'model: {num_heads: 7}',
    ].join('\n');
    const input = { yaml: yaml(text), overrides: ['features.use_mamer=true', 'lr=3', 'training.seed='] };
    expect(problems(input)).toEqual([
      'data.batch_size: expected a multiple of 2, received number 3 (run.yaml:2)',
      'training.lr: expected number, received string "fast" (run.yaml:4)',
      'training.warmup_epocs: unknown key "warmup_epocs", did you mean "warmup_epochs"? (run.yaml:5)',
      'training.grad_accum: expected integer, received number 1.5 (run.yaml:6)',
      'sbi.jpeg_quality: expected [low, high] with low <= high, received array [90,40] (run.yaml:8)',
      ': expected section.key=value, received "lr=3" (--set)',
      'training.seed: expected number, received null (--set training.seed=)',
      'features.use_mamer: expected use_hydra to be on as well: it changes Hydra stages',
      ...[96, 192, 384, 384].map(
        (dim, i) => `model.stage${i + 1}_dim: expected a multiple of num_heads 7, received ${dim}`,
      ),
    ]);
    expect(() => resolveConfig(input)).toThrow(/^12 problems in the configuration:\n {2}data\.batch_size: /);
    expect(() => resolveConfig({ overrides: ['training.lr=x'] })).toThrow(/^training\.lr: expected number/);
  });

  it.each<[string, string]>([
    ['lr: 3', 'lr: unknown section "lr": this setting belongs under "training" (run.yaml:1)'],
    ['trainig: {}', 'trainig: unknown section "trainig", did you mean "training"? (run.yaml:1)'],
    [
      '- 1',
      ': expected sections (data, model, training, features, sbi, engine, failures), received array [1] (run.yaml)',
    ],
    ['data: 3', 'data: expected key: value pairs, received number 3 (run.yaml:1)'],
    ['data: {lr: 1}', 'data.lr: unknown key "lr": it belongs under "training" (run.yaml:1)'],
    [
      'data: {img_size: 64, image_size: 64}',
      'data.image_size: the same setting as "img_size": give one of them (run.yaml:1)',
    ],
    ['data: {__proto__: 1}', 'data.__proto__: unknown key "__proto__" (run.yaml:1)'],
    ['data: {constructor: 1}', 'data.constructor: unknown key "constructor" (run.yaml:1)'],
    [
      'sbi: {difficulty: hard}',
      'sbi.difficulty: expected "default", "obvious" or a list of {from_epoch, difficulty}, received string "hard" (run.yaml:1)',
    ],
    ['sbi: {soften_kernel: [4, 25]}', 'sbi.soften_kernel[0]: expected an odd integer, received number 4 (run.yaml:1)'],
    ['sbi: {mask_types: []}', 'sbi.mask_types: expected array of at least 1 entries, received array [] (run.yaml:1)'],
    ['sbi: {blend_weights: {gamma: 1}}', 'sbi.blend_weights: unknown key "gamma" (run.yaml:1)'],
    [
      'sbi: {codec: h265}',
      'sbi.codec: expected "auto", "node-av", "ffmpeg" or "jpeg", received string "h265" (run.yaml:1)',
    ],
    ['sbi: {flip_prob: 1.5}', 'sbi.flip_prob: expected number <= 1, received number 1.5 (run.yaml:1)'],
    ['engine: {kernels: true}', 'engine.kernels: expected "on" or "off", received boolean true (run.yaml:1)'],
    ['training: {lr: .nan}', 'training.lr: expected number, received number NaN (run.yaml:1)'],
    ['training: {lr: .inf}', 'training.lr: expected number, received number Infinity (run.yaml:1)'],
    ['model: {in_channels: 1}', 'model.in_channels: expected 3, received number 1 (run.yaml:1)'],
  ])('%s', (text, expected) => {
    expect(problems({ yaml: yaml(text) })).toEqual([expected]);
  });

  it('names the place of what is not YAML', () => {
    expect(problems({ yaml: yaml('data:\n  a: [1\n') })[0]).toMatch(/^: run\.yaml:3:1: not valid YAML: /);
    expect(problems({ yaml: yaml('data: {a: 1}\ndata: {b: 1}\n') })[0]).toMatch(/run\.yaml:2:1: .*unique/);
    expect(problems({ overrides: ['training.lr=['] })[0]).toMatch(
      /^training\.lr: expected a YAML value, received "\["/,
    );
  });

  it.each<[string, object]>([
    ['Mamer without Hydra', { features: { use_mamer: true } }],
    ['an adaptive state without Hydra', { features: { use_adaptive_sdim: true } }],
    ['runs that do not add up', { data: { num_segments: 3 } }],
    ['flicker between different videos', { data: { mixed_frames: true } }],
    ['runs of odd length', { data: { num_frames: 20, num_segments: 4, frames_per_segment: 5 } }],
    ['runs too short to reflect', { data: { num_frames: 8, num_segments: 4, frames_per_segment: 2 } }],
    ['a single short run', { data: { num_frames: 6.5 } }],
    ['an odd clip length', { data: { num_frames: 7 } }],
    ['pictures that do not halve five times', { data: { img_size: 100 } }],
    ['heads that do not divide a stage', { model: { stage4_dim: 100 } }],
    ['Hydra heads that do not divide a stage', { model: { hydra_headdim: 40 } }],
    ['an even Hydra convolution', { model: { hydra_d_conv: 6 } }],
    ['half a pair', { data: { batch_size: 7 } }],
    ['clipping at zero', { training: { max_grad_norm: 0 } }],
    ['an unknown dtype', { training: { amp_dtype: 'float8' } }],
    ['full smoothing', { training: { label_smoothing: 1 } }],
    ['negative smoothing', { training: { label_smoothing: -0.1 } }],
    [
      'experts that do not divide the state',
      { features: { use_hydra: true, use_adaptive_sdim: true }, model: { adaptive_experts: 3 } },
    ],
    ['an odd number of bands for the wavelet scan', { features: { use_wss: true }, model: { dwt_channels: 15 } }],
    ['contour convolutions of a broken quarter', { model: { stage1_dim: 30, num_heads: 2 } }],
    ['a rate that ends above its peak', { training: { min_lr: 1 } }],
    ['no way to blend', { sbi: { blend_weights: { alpha: 0 } } }],
    ['a schedule that does not begin', { sbi: { difficulty: [{ from_epoch: 1, difficulty: 'default' }] } }],
    ['float16', { training: { amp_dtype: 'float16' } }],
  ])('refuses %s', (_, object) => {
    const found = problems({ object });
    expect(found.length).toBeGreaterThan(0);
    const [section, settings] = Object.entries(object).at(-1)!;
    const neighbours = Object.keys(settings).concat('num_frames', 'frames_per_segment', 'use_mamer', 'mlp_ratio');
    for (const line of found) expect(line).toMatch(new RegExp(`^${section}\\.(${neighbours.join('|')}|hydra_headdim)`));
  });

  it('leaves out rules that read a setting which is wrong by itself', () => {
    expect(problems({ object: { data: { num_frames: 'many', num_segments: 2 } } })).toEqual([
      'data.num_frames: expected number, received string "many"',
    ]);
  });
});

describe('warnings', () => {
  const about = (input: ConfigInput) => resolveConfig(input).warnings.map((line) => line.split(':')[0]);
  const float32 = { training: { amp_dtype: 'float32' } };

  it('has none for a plain float32 baseline', () => {
    expect(resolveConfig({ object: float32 }).warnings).toEqual([]);
  });

  it.each<[string, ConfigInput]>([
    ['training.amp_dtype', { object: { training: { amp_dtype: 'bfloat16' }, engine: { step: 'eager' } } }],
    ['features.use_hll_normalization', { object: { ...float32, features: { use_hll_normalization: true } } }],
    ['training.hll_loss_margin', { preset: 'a', object: float32 }],
    ['model.backbone_weights', { object: { ...float32, model: { spatial_backbone: 'convnextv2' } } }],
    ['training.warmup_epochs', { object: { training: { amp_dtype: 'float32', num_epochs: 5 } } }],
    ['training.max_budget', { object: { training: { amp_dtype: 'float32', max_budget: 0.1 } } }],
    ['data.num_frames', { object: { ...float32, data: { num_frames: 8 } } }],
    [
      'features.use_compression_aug',
      {
        preset: 'a',
        object: float32,
        yaml: yaml('features: {use_compression_aug: false}'),
        overrides: ['training.hll_loss_margin=0.1'],
      },
    ],
  ])('%s', (path, input) => {
    expect(about(input)).toEqual([path]);
  });

  it('does not warn of a margin that can be reached', () => {
    expect(
      resolveConfig({ preset: 'a', object: { training: { amp_dtype: 'float32', hll_loss_margin: 0.1 } } }).warnings,
    ).toEqual([]);
  });

  it('lets a machine that costs nothing run without end', () => {
    expect(about({ object: { training: { amp_dtype: 'float32', cost_per_hour: 0, max_budget: 0 } } })).toEqual([]);
  });
});

describe('the configurations in configs', () => {
  const folder = new URL('../../../configs/', import.meta.url);
  it.each(readdirSync(folder).filter((name) => name.startsWith('v8_')))('%s resolves under every phase', (name) => {
    const file = { text: readFileSync(new URL(name, folder), 'utf8'), file: name };
    for (const preset of ['baseline', 'a', 'b'] as const) {
      const { config, warnings } = resolveConfig({ preset, gpu: name, yaml: file });
      expect(config).toMatchObject({ use_contrastive_hll: preset !== 'baseline', use_hydra: preset === 'b' });
      // These begin with a loaded trunk: Phase B's own rate is meant for going on from Phase A.
      const meant =
        ['v8_cpu.yaml', 'v8_frames.yaml'].includes(name) && preset === 'b'
          ? [`training.lr: 0.0006 in ${name} overrides phase b's 0.0001`]
          : [];
      expect(warnings.filter((line) => line.includes('overrides phase'))).toEqual(meant);
    }
  });

  it('v8_debug has the dimensions of the debug preset', () => {
    const text = readFileSync(new URL('v8_debug.yaml', folder), 'utf8');
    const { model, data } = toSections(resolveConfig({ yaml: { text, file: 'v8_debug.yaml' } }).config);
    expect(model).toEqual(toSections(debug()).model);
    expect(data).toMatchObject({ num_frames: 4, num_segments: 1, frames_per_segment: 4, img_size: 64 });
  });
});
