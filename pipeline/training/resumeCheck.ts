import { configDifferences, type StfConfig, savedConfig } from '../../model/index.js';
import type { RunState } from '../run/runState.js';
import { UserError } from '../userError.js';

/** Settings that may change between two stretches of a run: they alter neither samples nor weights of a step. */
const HARMLESS = new Set([
  'data.num_workers',
  'data.prefetch_batches',
  'data.data_root',
  'training.num_epochs',
  'training.checkpoint_steps',
  'training.val_every_epochs',
  'training.val_pairs',
  'training.cost_per_hour',
  'training.max_budget',
  'training.budget_reserve_hours',
  'engine.name',
  'engine.step',
  'engine.kernels',
  'failures.max_count',
  'failures.max_rate',
  'failures.min_samples',
]);

/**
 * Compares the configuration a checkpoint was trained with to the one asked for.
 * @returns the harmless differences, in words.
 * @throws UserError listing the harmful ones.
 */
export function checkResumable(file: string, state: RunState, phase: string, config: StfConfig): string[] {
  const differences = configDifferences(savedConfig(state.config, file), config).map(({ path, saved, current }) => ({
    path,
    words: `${path}: ${JSON.stringify(saved)} in the checkpoint, ${JSON.stringify(current)} now`,
  }));
  const harmful = differences.filter(({ path }) => !HARMLESS.has(path)).map(({ words }) => words);
  if (state.phase !== phase) harmful.unshift(`--phase: ${state.phase} in the checkpoint, ${phase} now`);
  if (harmful.length > 0)
    throw new UserError(
      `cannot resume from ${file}: it was trained with other settings.\n${harmful.map((words) => `  ${words}`).join('\n')}\nUse the old settings, or another --out for a new run.`,
    );
  return differences.map(({ words }) => words);
}
