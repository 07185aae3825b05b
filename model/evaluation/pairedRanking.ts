import { type BootstrapOptions, bootstrapIntervals } from './bootstrap.js';
import { type Figure, figure } from './measures.js';

export type PairedItem = { label: 0 | 1; score: number; pairGroup?: string };

/** How fakes rank against the very videos they were made from, which the same person, camera and light make fairer. */
export type PairedRanking = {
  /** (fake, original) pairs, and the groups they stand in. */
  pairs: number;
  groups: number;
  above: number;
  ties: number;
  /** Share of pairs in which the fake scores above its original, a tie counting half. */
  share: Figure;
};

/** Compares each fake with each real video of its own pair group; intervals are over the groups. */
export function rankWithinPairs(items: readonly PairedItem[], options: BootstrapOptions): PairedRanking {
  const byGroup = new Map<string, { reals: number[]; fakes: number[] }>();
  for (const { label, score, pairGroup } of items) {
    if (pairGroup === undefined) continue;
    const group = byGroup.get(pairGroup) ?? { reals: [], fakes: [] };
    byGroup.set(pairGroup, group);
    (label === 1 ? group.fakes : group.reals).push(score);
  }
  const groups = [...byGroup.values()]
    .filter(({ reals, fakes }) => reals.length > 0 && fakes.length > 0)
    .map(({ reals, fakes }) => {
      const differences = fakes.flatMap((fake) => reals.map((real) => fake - real));
      const ties = differences.filter((difference) => difference === 0).length;
      return { pairs: differences.length, above: differences.filter((difference) => difference > 0).length, ties };
    });
  const total = (name: 'pairs' | 'above' | 'ties', weights?: Uint32Array) =>
    groups.reduce((sum, group, at) => sum + group[name] * (weights?.[at] ?? 1), 0);
  const share = (weights?: Uint32Array) =>
    (total('above', weights) + total('ties', weights) / 2) / total('pairs', weights);
  const intervals = bootstrapIntervals(groups.length, (draws) => ({ share: share(draws) }), options);
  return {
    pairs: total('pairs'),
    groups: groups.length,
    above: total('above'),
    ties: total('ties'),
    share: figure(share(), intervals.share),
  };
}
