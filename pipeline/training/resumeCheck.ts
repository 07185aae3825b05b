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

/**
 * Settings that stay harmful unless the command line asks for the new value by name: somebody who moves a run to a machine
 * that cannot do the same says with them that he knows.
 */
const BY_NAME = new Map<string, string>([
  ['sbi.codec', 'the remaining clips are compressed in another way'],
  ['training.amp_dtype', 'the weights go on from here in another precision'],
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
  set: readonly string[] = [],
): string[] {
  const harmful: string[] = [];
  const harmless: string[] = [];
  if (state.phase !== phase) harmful.push(`--phase: ${state.phase} in the checkpoint, ${phase} now`);
  for (const { path, saved, current } of configDifferences(savedConfig(state.config, file), config)) {
    const note = HARMLESS.get(path) ?? (isGiven(path, set) ? BY_NAME.get(path) : undefined);
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

const isGiven = (path: string, set: readonly string[]) => set.some((text) => text.startsWith(`${path}=`));

/** In what a machine may differ although all settings are the same. */
export type Numerics = {
  /** Of the training step's products. */
  dtype: 'float32' | 'bfloat16';
  /** Why not the one asked for. */
  dtypeReason: string;
  /** What makes H.264, where anything does. */
  codec?: { name: string; reason: string } | undefined;
};

/**
 * Whether this machine computes and compresses as the one did that wrote the checkpoint. Else the run would become
 * another one halfway, by itself. From float32 to bfloat16 is not refused: a run whose step could not be recorded has
 * that in its state, too, and begins each time in the precision that was asked for.
 * @param set of the command line: a setting given there by name is what is wanted
 * @throws UserError saying what differs and what can be done
 */
export function checkNumerics(
  file: string,
  state: Pick<RunState, 'effectiveDtype' | 'codecDigest'>,
  { dtype, dtypeReason, codec }: Numerics,
  set: readonly string[],
): void {
  const other: string[] = [];
  if (state.effectiveDtype === 'bfloat16' && dtype === 'float32' && !isGiven('training.amp_dtype', set))
    other.push(
      `products are computed in bfloat16 in the checkpoint, in float32 now: ${dtypeReason}. To go on in float32: --set training.amp_dtype=float32`,
    );
  const before = state.codecDigest;
  if (codec && before !== undefined && (before === 'jpeg') !== (codec.name === 'jpeg') && !isGiven('sbi.codec', set))
    other.push(
      before === 'jpeg'
        ? `clips were compressed as JPEG in the checkpoint, as H.264 now: ${codec.reason}. To go on with JPEG: --set sbi.codec=jpeg`
        : `clips were compressed as H.264 in the checkpoint, as JPEG now: ${codec.reason}. Mend that (\`npm ci\` brings node-av, FFMPEG_BIN names a program), or go on with JPEG: --set sbi.codec=jpeg`,
    );
  if (other.length > 0)
    throw new UserError(
      `cannot resume from ${file}: this machine would go on with other numerics.\n${other.map((words) => `  ${words}`).join('\n')}`,
    );
}
