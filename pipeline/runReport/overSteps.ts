/** The x axis that most curves of a run have; there is nothing between two steps. */
export const OVER_STEPS = { xLabel: 'optimiser step', xWhole: true } as const;
