import { basename } from 'node:path';
import { CheckpointError, type HostTensor, readCheckpoint } from '../../model/index.js';
import { type RunState, runStateOf } from '../run/runState.js';

/** A checkpoint to go on from, and the newer ones that were passed over, with what is wrong with them. */
export type Newest = { file: string; state: RunState; passedOver: string[] };

/**
 * Reads the first checkpoint of `files` that is whole, finite, of a run, and wanted.
 * @returns undefined when there is none among them.
 * @throws CheckpointError for the first of them when none can be used, which names the others, too; the system's error
 *   otherwise.
 */
export async function readNewest(
  files: readonly string[],
  wanted: (state: RunState) => boolean = () => true,
): Promise<Newest | undefined> {
  const passedOver: string[] = [];
  let first: CheckpointError | undefined;
  let whole = 0;
  for (const file of files) {
    try {
      const { tensors, state } = await readCheckpoint(file);
      if (!state) throw new CheckpointError(`${file} holds weights only; expected a checkpoint that a run wrote`);
      const spoilt = notFinite(tensors);
      if (spoilt) throw new CheckpointError(`${file}: ${spoilt} holds values that are not finite`);
      const checked = runStateOf(state, file);
      whole++;
      if (wanted(checked)) return { file, state: checked, passedOver };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      first ??= error;
      passedOver.push(error.message);
    }
  }
  if (whole === 0 && first) throw noneUsable(first, files.slice(1));
  return undefined;
}

/** Who reads that one is damaged should not go and look whether an older one would do. */
function noneUsable(first: CheckpointError, others: readonly string[]): CheckpointError {
  if (others.length === 0) return first;
  const names = others.map((file) => basename(file)).join(', ');
  const tried =
    others.length === 1 ? `the older one was tried, too, and is not` : `the older ones were tried, too, and are not`;
  return new CheckpointError(`${first.message}; ${tried} usable either: ${names}`, { cause: first });
}

function notFinite(tensors: ReadonlyMap<string, HostTensor>): string | undefined {
  for (const [name, { dtype, data }] of tensors)
    if (dtype === 'F32' && !(data as Float32Array).every(Number.isFinite)) return name;
  return undefined;
}
