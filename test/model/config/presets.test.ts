import { expect, it, describe as suite } from 'vitest';
import { baseline, debug, describe, phaseA, phaseB } from '../../../model/config/stfConfig.js';

suite('presets', () => {
  it('describes itself in one line', () => {
    expect(describe(phaseA())).toBe('Phase A (V7.3+fixes): [ContrastiveHLL, CompressionAug, MultiScaleDrift, HLLNorm]');
    expect(describe(phaseB())).toBe(
      'Phase B (V8.0): [ContrastiveHLL, CompressionAug, MultiScaleDrift, HLLNorm, Hydra, Mamer, W-SS, AdaptiveSDim]',
    );
    expect(describe(baseline())).toBe('Baseline V7.3: [none]');
    expect(describe({ ...baseline(), use_wss: true })).toBe('Baseline V7.3: [W-SS]');
  });

  it('has the published defaults', () => {
    expect(baseline()).toMatchObject({
      in_channels: 3,
      num_classes: 2,
      num_frames: 32,
      img_size: 224,
      stem_dim: 48,
      stage1_dim: 96,
      stage2_dim: 192,
      stage3_dim: 384,
      stage4_dim: 384,
      dropout: 0.3,
      drop_path: 0.1,
      lr: 5e-4,
      weight_decay: 0.05,
      warmup_epochs: 5,
      min_lr: 1e-6,
      label_smoothing: 0.1,
      hll_loss_weight: 0.1,
      hll_loss_margin: 1,
      max_grad_norm: 1,
      grad_accum: 2,
      amp_dtype: 'bfloat16',
      cost_per_hour: 1.39,
      max_budget: 5,
    });
  });

  it('knows the machine that is paid for', () => {
    expect(phaseA('RTX 4090')).toMatchObject({ cost_per_hour: 0.39, grad_accum: 4, lr: 5e-4, num_epochs: 70 });
    expect(phaseA('a100')).toMatchObject({ cost_per_hour: 1.39, grad_accum: 2 });
    expect(phaseB('rtx4090')).toMatchObject({ cost_per_hour: 0.39, grad_accum: 4, lr: 1e-4, num_epochs: 50 });
  });

  it('shrinks to the debug size', () => {
    expect(debug()).toMatchObject({
      num_frames: 4,
      num_segments: 1,
      frames_per_segment: 4,
      img_size: 64,
      stage3_dim: 128,
      stage3_blocks: 1,
      d_state: 4,
    });
  });
});
