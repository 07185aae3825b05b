import { type CodecName, type Recipe, trainingRecipe } from '../../workers/index.js';

export const PRESETS = ['peer', 'full', 'published'] as const;
export type Preset = (typeof PRESETS)[number];

/** What the peer leaves out. */
const BEYOND_PEER = ['flip', 'margin_crop', 'frame_rate', 'post_colour', 'jpeg', 'final_crop'];

/**
 * Phase A at 224x224 with 4 segments of 8 frames. `published`: every stage with its published probability. `full`: drift,
 * TPS and H.264 in every pair. `peer`: of these the stages that the Python peer has, which applies them to every pair.
 */
export function presetRecipe(preset: Preset, codec: CodecName): Recipe {
  const { stages } = trainingRecipe({
    img_size: 224,
    num_segments: 4,
    frames_per_segment: 8,
    use_compression_aug: true,
    use_multiscale_drift: true,
    ...(preset !== 'published' && { compression_prob: 1, drift_prob: 1, tps_prob: 1 }),
    codec,
  });
  return { stages: preset === 'peer' ? stages.filter(({ stage }) => !BEYOND_PEER.includes(stage)) : stages };
}
