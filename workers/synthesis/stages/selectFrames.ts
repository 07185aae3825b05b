import type { StoredClip } from '../../npz/readClip.js';
import type { Random } from '../../random/keyedGenerator.js';
import type { Clip } from '../clip.js';
import type { Stage } from '../stage.js';
import { drawRate, frameRate, rateMap } from './frameRate.js';

/**
 * Chooses the clip's frames: `num_segments` disjoint windows of `frames_per_segment` contiguous frames each, in order
 * of time. Temporal filters must see neighbouring frames as neighbours, so a window never spans a gap. Where the recipe
 * changes the frame rate, windows are as long as the rate needs: up to twice the length.
 */
export const selectFrames: Stage<{ num_segments: number; frames_per_segment: number }> = {
  name: 'select_frames',
  defaults: { num_segments: 4, frames_per_segment: 8 },
  apply(clip, { num_segments, frames_per_segment }, { random, count, fail, peek }) {
    clip.assertNotGathered('select_frames');
    const runs = framesInRuns(clip.stored, num_segments * frames_per_segment, fail);
    const retiming = peek(frameRate);
    const rate = retiming ? drawRate(retiming.params, retiming.random) : 1;
    let map = rateMap(frames_per_segment, rate);
    let starts = drawWindows(runs, num_segments, map[frames_per_segment - 1]! + 1, random);
    if (!starts && rate > 1) {
      count('frame_rate_short');
      map = rateMap(frames_per_segment, 1);
      starts = drawWindows(runs, num_segments, frames_per_segment, random);
    }
    if (!starts) return fail(tooShort(runs, num_segments, frames_per_segment));
    const length = map[frames_per_segment - 1]! + 1;
    clip.rateMap = map.every((frame, t) => frame === t) ? null : map;
    takeWindows(clip, starts, length);
  },
};

/** Makes the clip of windows of `length` frames each, with their landmarks. */
export function takeWindows(clip: Clip, starts: readonly number[], length: number): void {
  clip.frameIndex = Int32Array.from(starts.flatMap((start) => Array.from({ length }, (_, i) => start + i)));
  clip.segments = starts.length;
  const perFrame = clip.points * 2;
  clip.landmarks = new Float64Array(clip.frames * perFrame);
  clip.frameIndex.forEach((frame, t) => {
    clip.landmarks.set(clip.stored.landmarks.subarray(frame * perFrame, (frame + 1) * perFrame), t * perFrame);
  });
}

/** The runs of contiguous frames of a stored clip of which `wanted` frames are needed; fails where that is unknown. */
export function framesInRuns(
  { frameNumbers, frames }: Pick<StoredClip, 'frameNumbers' | 'frames'>,
  wanted: number,
  fail: (reason: string) => never,
): Run[] {
  if (!frameNumbers && wanted > 1 && frames > 2 * wanted)
    return fail(
      `${frames} frames without frame numbers may be spread over the video; expected an array 'frames' in the landmarks file, or at most ${2 * wanted} frames`,
    );
  return contiguousRuns(frameNumbers, frames);
}

/** What to say of a clip whose runs hold too few windows. */
export const tooShort = (runs: readonly Run[], segments: number, length: number): string =>
  `expected ${segments} runs of ${length} contiguous frames but the clip's runs have ${lengthsOf(runs)} frames`;

export type Run = { start: number; length: number };

/** Maximal runs of frames whose numbers rise by one; all frames are one run where there are no numbers. */
export function contiguousRuns(frameNumbers: ArrayLike<number> | null, frames: number): Run[] {
  const runs: Run[] = [];
  for (let f = 0; f < frames; f++) {
    const last = runs[runs.length - 1];
    if (last && (!frameNumbers || frameNumbers[f] === frameNumbers[f - 1]! + 1)) last.length++;
    else runs.push({ start: f, length: 1 });
  }
  return runs;
}

/**
 * First frames of `count` disjoint windows, rising, or null if they do not fit. How many windows each run receives is
 * drawn among all places where one would fit; inside a run the windows share its spare frames evenly at random.
 */
export function drawWindows(runs: readonly Run[], count: number, length: number, random: Random): number[] | null {
  const places = runs.flatMap((run, index) => new Array<number>(Math.floor(run.length / length)).fill(index));
  if (places.length < count) return null;
  const perRun = new Array<number>(runs.length).fill(0);
  for (let drawn = 0; drawn < count; drawn++) perRun[places.splice(random.integer(0, places.length - 1), 1)[0]!]!++;
  return runs.flatMap((run, index) => {
    const windows = perRun[index]!;
    const spare = run.length - windows * length;
    const offsets = Array.from({ length: windows }, () => random.integer(0, spare)).sort((a, b) => a - b);
    return offsets.map((offset, i) => run.start + offset + i * length);
  });
}

function lengthsOf(runs: readonly Run[]): string {
  const shown = runs.slice(0, 8).map((run) => run.length);
  return `${shown.join(', ')}${runs.length > 8 ? `, ... (${runs.length} runs)` : ''}`;
}
