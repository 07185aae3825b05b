import type { StfConfig } from '../../model/index.js';
import type { CuttingOptions } from '../../workers/index.js';

/** How clips are cut for a network of this configuration: its frame layout and the margins of validation. */
export function cuttingLayout(config: StfConfig): Omit<CuttingOptions, 'clips'> {
  const { img_size, num_segments, frames_per_segment } = config;
  const {
    margin_side,
    margin_top,
    margin_bottom,
    framing,
    final_margin_eval,
    final_margin_fraction,
    square_side_eval,
  } = config.sbi;
  const sbi = {
    ...{ margin_side, margin_top, margin_bottom },
    ...{ framing, final_margin_eval, final_margin_fraction, square_side_eval },
  };
  return { img_size, num_segments, frames_per_segment, sbi };
}
