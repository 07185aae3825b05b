import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configDifferences, type StfConfig, savedConfig } from '../../model/index.js';

/** Settings on which it may depend how long a step, its wait for data or a validation takes. */
const OF_SPEED =
  /^(data\.(batch_size|img_size|num_frames|num_segments|frames_per_segment|mixed_frames|num_workers|prefetch_batches)|training\.(grad_accum|amp_dtype|grad_checkpoint|frame_loss_weight|val_pairs)|model\.(?!backbone_weights$|.*_init$|hll_fusion_alpha$|drop).*|(features|sbi|engine)\..*)$/;

const SHOWN = 3;

/** In what the steps and validations of a trial were other ones than those of `config`; undefined where they were the same, or nothing tells. */
export async function trialDifferences(run: string, config: StfConfig): Promise<string | undefined> {
  const file = join(run, 'config.json');
  let trial: StfConfig;
  try {
    trial = savedConfig((JSON.parse(await readFile(file, 'utf8')) as { config?: unknown }).config, file);
  } catch {
    return undefined; // of another version, or not there: its speed is all that is known
  }
  const differences = configDifferences(trial, config)
    .filter(({ path }) => OF_SPEED.test(path))
    .map(({ path, saved, current }) => `${path} ${JSON.stringify(saved)} there, ${JSON.stringify(current)} here`);
  if (differences.length === 0) return undefined;
  const more = differences.length > SHOWN ? `; and ${differences.length - SHOWN} more` : '';
  return `the trial had other settings, so its speed may not be that of this configuration: ${differences.slice(0, SHOWN).join('; ')}${more}`;
}
