import { join } from 'node:path';
import { CheckpointError, type HostTensor, writeCheckpoint } from '../../model/index.js';
import { keepOlder, pruneOlder } from './olderCheckpoints.js';

/**
 * Writes the same state under each name in `folder`. `older`: the checkpoint `last` that is there now is that of `step`;
 * it is kept, with so many in all.
 */
export type SaveRequest = {
  folder: string;
  names: string[];
  state: { step: number };
  older?: { step: number | undefined; keep: number };
};

/**
 * Writes a checkpoint. A process that is killed on the way leaves a folder from which the run goes on exactly: `last` is
 * at every moment either the old or the new one, and the old one keeps another name before it is replaced.
 * @throws CheckpointError with the system's error as its cause
 */
export async function saveCheckpoint(
  { folder, names, state, older }: SaveRequest,
  tensors: ReadonlyMap<string, HostTensor>,
): Promise<void> {
  const { step } = state;
  if (older?.step !== undefined && older.keep > 0 && older.step < step)
    await named(folder, () => keepOlder(folder, older.step!));
  for (const name of names) await writeCheckpoint(join(folder, name), tensors, state);
  if (older) await named(folder, () => pruneOlder(folder, older.keep, step));
}

async function named(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message } = error as Error;
    throw new CheckpointError(`cannot keep older checkpoints in ${folder}: ${message}`, { cause: error });
  }
}
