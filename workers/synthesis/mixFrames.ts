import type { ClipPair, FrameMix, SynthesisTask } from './recipe.js';
import { SampleError } from './sampleError.js';

/**
 * Makes a pair whose frames are of different clips, each blended by itself: a batch then shows as many people and blends
 * as it has frames, which teaches a trunk much and the temporal part nothing. A pure function of the files and the task,
 * as any sample.
 *
 * @param single makes the pair of one clip, one frame long
 * @throws SampleError where the sample's own clip cannot be used, or too few companions can; what may go better at
 *   another attempt is thrown whosever it is
 */
export async function mixFrames(
  task: SynthesisTask & { mix: FrameMix },
  single: (task: SynthesisTask) => Promise<ClipPair>,
): Promise<ClipPair> {
  const { mix, ...common } = task;
  const made = [await single(common)];
  let passedOver = 0;
  for (const source of mix.companions) {
    if (made.length === mix.frames) break;
    try {
      made.push(await single({ ...common, source }));
    } catch (error) {
      if (!(error instanceof SampleError) || error.retryable) throw error;
      passedOver++; // it goes into quarantine when its own turn comes
    }
  }
  if (made.length < mix.frames)
    throw new SampleError(
      task.source.id,
      'mix_frames',
      `expected ${mix.frames} clips for a frame each but only ${made.length} of ${mix.companions.length + 1} could be used`,
    );
  const { height, width, frameBytes } = frameOf(made[0]!);
  const bytes = new Uint8Array(2 * mix.frames * frameBytes);
  for (const [t, pair] of made.entries())
    for (const member of [0, 1])
      bytes.set(
        pair.bytes.subarray(member * frameBytes, (member + 1) * frameBytes),
        (member * mix.frames + t) * frameBytes,
      );
  return {
    id: task.source.id,
    shape: [mix.frames, height, width, 3],
    bytes,
    stageMs: summed(made.map(({ stageMs }) => stageMs)),
    counters: summed([...made.map(({ counters }) => counters), passedOver > 0 ? { passed_over: passedOver } : {}]),
  };
}

function frameOf({ shape: [frames, height, width], bytes }: ClipPair) {
  if (frames !== 1) throw new RangeError(`mixFrames: expected a recipe for one frame but it makes ${frames}`);
  return { height, width, frameBytes: bytes.length / 2 };
}

function summed(records: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const record of records)
    for (const [name, value] of Object.entries(record)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}
