/** The clips that a task reads beside its own; a recording keeps less of each than its paths. */
export type OtherSources<S> = { mix?: { frames: number; companions: readonly S[] }; donors?: readonly S[] };

/** The same, each clip through `change`; what a task has none of stays left out. */
export const mapOtherSources = <A, B>({ mix, donors }: OtherSources<A>, change: (source: A) => B) => ({
  ...(mix && { mix: { frames: mix.frames, companions: mix.companions.map(change) } }),
  ...(donors && { donors: donors.map(change) }),
});
