import type { EvaluatedVideo } from './evaluateVideos.js';

/**
 * What counts as one sample in the intervals: videos that share a person (`identity`) or a pair group, also by way of
 * others. Several videos of one person are no independent evidence.
 *
 * @returns for each video the number of its unit, counted from 0
 */
export function independentUnits(videos: readonly Pick<EvaluatedVideo, 'identity' | 'pairGroup'>[]): number[] {
  const parents = videos.map((_, i) => i);
  const root = (i: number): number => {
    while (parents[i] !== i) i = parents[i]!;
    return i;
  };
  const firstWith = new Map<string, number>();
  videos.forEach(({ identity, pairGroup }, i) => {
    const traits = [
      ...(identity === undefined ? [] : [`identity ${identity}`]),
      ...(pairGroup === undefined ? [] : [`pair group ${pairGroup}`]),
    ];
    for (const trait of traits) {
      const first = firstWith.get(trait);
      if (first === undefined) firstWith.set(trait, i);
      else parents[root(i)] = root(first);
    }
  });
  const numbers = new Map<number, number>();
  return videos.map((_, i) => {
    const unit = root(i);
    const number = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, number);
    return number;
  });
}
