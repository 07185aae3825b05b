import type { StfConfig } from '../../../model/config/stfConfig.js';
import { seededUniform } from './seededUniform.js';

/** Dimensions of a network still smaller than debug. */
export const smallestNetwork = {
  num_frames: 4,
  num_segments: 1,
  frames_per_segment: 4,
  img_size: 32,
  stem_dim: 8,
  stage1_dim: 8,
  stage2_dim: 16,
  stage3_dim: 16,
  stage4_dim: 16,
  stage1_blocks: 1,
  stage2_blocks: 1,
  stage3_blocks: 1,
  stage4_blocks: 1,
  d_state: 4,
  wss_dim: 16,
  hydra_headdim: 8,
  dwt_channels: 8,
  dwt_hidden_dim: 8,
  amp_dtype: 'float32',
} satisfies Partial<StfConfig>;

/** Pairs of noise for it, the fake one darker. */
export function darkerPairs(seed: number, pairs: number): { clips: Uint8Array; labels: Int32Array } {
  const { num_frames, img_size } = smallestNetwork;
  const uniform = seededUniform(seed);
  const size = num_frames * img_size ** 2 * 3;
  const clips = Uint8Array.from({ length: 2 * pairs * size }, (_, i) =>
    Math.floor(uniform() * (Math.floor(i / size) % 2 === 0 ? 256 : 200)),
  );
  return { clips, labels: Int32Array.from({ length: 2 * pairs }, (_, i) => i % 2) };
}
