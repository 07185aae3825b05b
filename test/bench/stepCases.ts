import { debug, phaseA, phaseB, type StfConfig } from '../../model/index.js';

/** One workload of the step benchmark: a network, the size of its clips and how many enter a micro-batch. */
export type StepCase = {
  /**
   * `pretrained` has an EfficientNet-Lite0 for a trunk, with weights drawn at random: a step costs the same. `over_batch`
   * is the same with batch normalisation over the batch, as in configs/v8_cpu.yaml.
   */
  config: 'debug' | 'default' | 'pretrained' | 'over_batch';
  phase: 'a' | 'b';
  img: number;
  frames: number;
  /** Clips: real and fake together. */
  batch: number;
};

export const STEP_CASES: readonly StepCase[] = [
  { config: 'debug', phase: 'a', img: 64, frames: 4, batch: 8 },
  { config: 'debug', phase: 'b', img: 64, frames: 4, batch: 8 },
  { config: 'default', phase: 'a', img: 128, frames: 8, batch: 4 },
  { config: 'default', phase: 'b', img: 128, frames: 8, batch: 4 },
  { config: 'default', phase: 'a', img: 224, frames: 32, batch: 2 },
  { config: 'pretrained', phase: 'a', img: 160, frames: 8, batch: 8 },
  { config: 'over_batch', phase: 'a', img: 160, frames: 4, batch: 16 },
];

export const caseName = ({ config, phase, img, frames, batch }: StepCase): string =>
  `${config} ${phase} ${img}x${frames}x${batch}`;

/** Whether the PyTorch implementation has such a network. */
export const hasPeer = ({ config }: StepCase): boolean => config === 'debug' || config === 'default';

/** The switches that make a phase. */
const SWITCHES = [
  'use_contrastive_hll',
  'use_hll_normalization',
  'use_hydra',
  'use_mamer',
  'use_wss',
  'use_adaptive_sdim',
] as const;

/** What a case trains. Segments as the peer has them: four of 32 frames, else one. */
export function configOf(one: StepCase): StfConfig {
  const { config, phase, img, frames } = one;
  const full = phase === 'a' ? phaseA() : phaseB();
  const switches = Object.fromEntries(SWITCHES.map((name) => [name, full[name]]));
  const base = config === 'debug' ? { ...debug(), ...switches } : full;
  const trunk = hasPeer(one)
    ? {}
    : ({
        spatial_backbone: 'efficientnet_lite0',
        backbone_weights: 'none',
        backbone_freeze_stages: 0,
        backbone_batch_norm: config === 'over_batch' ? 'train' : 'inference',
      } as const);
  const segments = frames === 32 ? 4 : 1;
  return {
    ...base,
    ...trunk,
    img_size: img,
    num_frames: frames,
    num_segments: segments,
    frames_per_segment: frames / segments,
    grad_accum: 1,
  };
}
