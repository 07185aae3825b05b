import { createHash } from 'node:crypto';
import { configDifferences, type StfConfig, savedConfig } from '../../model/index.js';
import type { RunState } from '../run/runState.js';
import { UserError } from '../userError.js';

const ROUNDING = 'the weights go on from here equal to rounding, not to the last bit';

/**
 * Settings that may change between two stretches of a run: they alter neither samples nor weights of a step, or, with a
 * note, no more than is said there.
 */
const HARMLESS = new Map<string, string>([
  ['data.num_workers', ''],
  ['data.prefetch_batches', ''],
  ['data.data_root', 'the clips must be the same; their digests go on in batches.jsonl'],
  ['training.num_epochs', ''],
  ['training.checkpoint_steps', ''],
  ['training.checkpoint_minutes', ''],
  ['training.keep_checkpoints', ''],
  ['training.val_every_epochs', ''],
  ['training.val_pairs', 'AUC before and after are of different pairs'],
  ['training.cost_per_hour', 'what was spent so far stays'],
  ['training.max_budget', ''],
  ['training.budget_reserve_hours', ''],
  ['training.grad_checkpoint', ROUNDING],
  ['engine.name', ROUNDING],
  ['engine.step', ROUNDING],
  ['engine.kernels', ROUNDING],
  ['engine.staging', ''],
  ['failures.max_count', ''],
  ['failures.max_rate', ''],
  ['failures.min_samples', ''],
  ['failures.max_skips_in_a_row', ''],
  ['failures.max_restarts', ''],
  ['failures.wait_minutes', ''],
]);

/** What tells one list of clips from another, order included: which clip stands at which position depends on it. */
export function digestOfClips(ids: readonly string[]): string {
  return createHash('sha256').update(ids.join('\n')).digest('hex');
}

/**
 * Compares what a checkpoint was trained with to what is asked for now.
 * @returns the harmless differences, in words.
 * @throws UserError listing the harmful ones.
 */
export function checkResumable(
  file: string,
  state: RunState,
  phase: string,
  config: StfConfig,
  trainIds?: readonly string[],
): string[] {
  const harmful: string[] = [];
  const harmless: string[] = [];
  if (state.phase !== phase) harmful.push(`--phase: ${state.phase} in the checkpoint, ${phase} now`);
  for (const { path, saved, current } of configDifferences(savedConfig(state.config, file), config)) {
    const note = HARMLESS.get(path);
    const words = `${path}: ${JSON.stringify(saved)} in the checkpoint, ${JSON.stringify(current)} now`;
    if (note === undefined) harmful.push(words);
    else harmless.push(note === '' ? words : `${words} (${note})`);
  }
  if (trainIds && state.clipsDigest !== undefined && state.clipsDigest !== digestOfClips(trainIds))
    harmful.push(
      `the clips to train on are others than those of the checkpoint, or in another order: now ${trainIds.length}, e.g. ${trainIds.slice(0, 3).join(', ')}`,
    );
  if (harmful.length > 0)
    throw new UserError(
      `cannot resume from ${file}: it was trained with other settings.\n${harmful.map((words) => `  ${words}`).join('\n')}\nUse the old settings, or another --out for a new run.`,
    );
  return harmless;
}
