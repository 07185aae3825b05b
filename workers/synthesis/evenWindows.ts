import type { Run } from './stages/selectFrames.js';

/**
 * First frames of `count` disjoint windows of `length` frames each, rising, spread over the video as training spreads
 * them but by rule and not by chance; null if they do not fit. `position` in [0, 1] says where in its share of the video
 * each window lies: clips at positions (k + ½)/n for k < n are evenly placed, and the middle one of the video is at ½.
 */
export function evenWindows(runs: readonly Run[], count: number, length: number, position: number): number[] | null {
  const places = runs.flatMap((run, index) => new Array<number>(Math.floor(run.length / length)).fill(index));
  if (places.length < count) return null;
  const perRun = new Array<number>(runs.length).fill(0);
  for (let window = 0; window < count; window++) {
    // At position 1 the last window would fall behind the last place.
    const place = Math.min(Math.floor(((window + position) * places.length) / count), places.length - count + window);
    perRun[places[place]!]!++;
  }
  return runs.flatMap((run, index) => {
    const windows = perRun[index]!;
    const spare = run.length - windows * length;
    return Array.from(
      { length: windows },
      (_, i) => run.start + i * length + Math.round((spare * (i + position)) / windows),
    );
  });
}
