import type { OtherSources } from './recipe.js';

/** The same other sources, each through `change`; what a task has none of stays left out. */
export const mapOtherSources = <A, B>({ mix, donors }: OtherSources<A>, change: (source: A) => B) => ({
  ...(mix && { mix: { ...mix, companions: mix.companions.map(change) } }),
  ...(donors && { donors: donors.map(change) }),
});
