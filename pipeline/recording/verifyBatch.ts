import { StalledError } from '../../operators/index.js';
import { type ClipPair, RecipeError, SampleError, type SynthesisTask, WorkerDiedError } from '../../workers/index.js';
import type { RecordedBatch } from './recordedBatch.js';

/** Where a rebuilt pair first differs from the recorded one. */
export type Difference = {
  clip: string;
  member: 'real' | 'fake';
  frame: number;
  row: number;
  column: number;
  channel: 'red' | 'green' | 'blue';
  /** Byte of the recorded clips `[B,T,H,W,3]`. */
  offset: number;
  recorded: number;
  rebuilt: number;
  /** Bytes of the pair that differ, and the largest difference. */
  differing: number;
  largest: number;
};
/** A pair that could not be made again. */
export type RebuildFailure = { clip: string; reason: string };
export type Verdict = { same: number; differences: Difference[]; failures: RebuildFailure[] };

const CHANNELS = ['red', 'green', 'blue'] as const;

/** One word for the table. */
export const statusOf = ({ differences, failures }: Verdict): 'same' | 'differs' | 'failed' =>
  differences.length > 0 ? 'differs' : failures.length > 0 ? 'failed' : 'same';

/** Makes every pair of a recorded batch again from its recipe and compares the bytes. */
export async function verifyBatch(
  { tasks, micro: { clips, shape } }: RecordedBatch,
  rebuild: (task: SynthesisTask) => Promise<ClipPair>,
): Promise<Verdict> {
  const verdict: Verdict = { same: 0, differences: [], failures: [] };
  const size = clips.length / tasks.length;
  const outcomes = await Promise.allSettled(tasks.map(rebuild));
  for (const [i, outcome] of outcomes.entries()) {
    const clip = tasks[i]!.source.id;
    if (outcome.status === 'rejected') {
      verdict.failures.push({ clip, reason: reasonOf(outcome.reason) });
      continue;
    }
    const recorded = clips.subarray(i * size, (i + 1) * size);
    const { bytes } = outcome.value;
    if (bytes.length !== size)
      verdict.failures.push({
        clip,
        reason: `expected a pair of ${size} bytes, [2,${shape.slice(1)}], but its recipe gives [2,${outcome.value.shape}]`,
      });
    else if (Buffer.compare(recorded, bytes) === 0) verdict.same += 1;
    else verdict.differences.push(differenceOf(clip, recorded, bytes, i * size, shape));
  }
  return verdict;
}

function differenceOf(
  clip: string,
  recorded: Uint8Array,
  rebuilt: Uint8Array,
  start: number,
  [, frames, , width]: RecordedBatch['micro']['shape'],
): Difference {
  let first = -1;
  let differing = 0;
  let largest = 0;
  for (let i = 0; i < recorded.length; i++) {
    const by = Math.abs(recorded[i]! - rebuilt[i]!);
    if (by === 0) continue;
    if (first < 0) first = i;
    differing += 1;
    if (by > largest) largest = by;
  }
  const member = recorded.length / 2;
  const frameBytes = member / frames;
  const inFrame = first % frameBytes;
  return {
    clip,
    member: first < member ? 'real' : 'fake',
    frame: Math.floor((first % member) / frameBytes),
    row: Math.floor(inFrame / (3 * width)),
    column: Math.floor(inFrame / 3) % width,
    channel: CHANNELS[inFrame % 3]!,
    offset: start + first,
    recorded: recorded[first]!,
    rebuilt: rebuilt[first]!,
    differing,
    largest,
  };
}

/** Why, in words. @throws an error that is neither the clip's nor the recipe's fault. */
function reasonOf(error: unknown): string {
  if (error instanceof SampleError) return `${error.stage}: ${error.reason}`;
  if ([RecipeError, WorkerDiedError, StalledError].some((known) => error instanceof known))
    return (error as Error).message;
  throw error;
}

/** A difference in words. */
export function describeDifference(d: Difference): string {
  return `clip ${d.clip}, ${d.member} member, frame ${d.frame}: first differs at row ${d.row}, column ${d.column}, ${d.channel} (byte ${d.offset}): ${d.recorded} recorded, ${d.rebuilt} rebuilt; ${d.differing} bytes differ, by up to ${d.largest}`;
}
