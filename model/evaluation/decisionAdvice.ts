/**
 * What the plan of STF-Mamba 8 says to do after Phase A, by the AUC on real deepfakes (FaceForensics++, four methods).
 * It is a rule of thumb of the method's author, written before any result; no theory or measurement stands behind its
 * marks. It names two marks for going on to Phase B, 0.70 in its overview and 0.75 in its step-by-step part; what lies
 * between them is a band of its own here.
 */
const PHASE_A_BANDS = [
  {
    below: 0.55,
    advice:
      'no improvement over the published 0.5155: switch off all augmentation of version 8, train the baseline first, and look at sample batches',
  },
  { below: 0.6, advice: 'look for a mistake in the augmentation, first of all whether compression is at work' },
  { below: 0.7, advice: 'the corrections of Phase A work; consider more epochs of Phase A before Phase B' },
  {
    below: 0.75,
    advice: 'between the two marks that the plan names for going on to Phase B (0.70 and 0.75): either is within it',
  },
  { below: 0.85, advice: 'go on to Phase B' },
  {
    below: Number.POSITIVE_INFINITY,
    advice: 'Phase A alone may be enough: evaluate further before paying for Phase B',
  },
] as const;

/** What the plan hopes for after Phase B. */
const PHASE_B_TARGET = 0.85;

export type DecisionAdvice = {
  /** The AUC band, [from, below). */
  band: [number, number];
  advice: string;
  /** Advice of the other bands that the interval reaches, from the lowest: the data do not tell them apart. */
  alsoPossible: string[];
};

/** Says, where the interval reaches other bands, that the data do not decide; undefined where they do. */
export function indecision({ alsoPossible }: DecisionAdvice): string | undefined {
  if (alsoPossible.length === 0) return undefined;
  if (alsoPossible.length === 1)
    return `The interval reaches another band too, so the data do not decide between this and: ${alsoPossible[0]}.`;
  return `The interval reaches ${alsoPossible.length} other bands, from “${alsoPossible[0]}” to “${alsoPossible.at(-1)}”: the data decide nothing. Evaluate on more people.`;
}

/** The plan's advice for an AUC. `phase`: of the checkpoint; the bands are Phase A's, Phase B has but a target. */
export function decisionAdvice(
  auc: number,
  interval: { low: number; high: number } | null,
  phase?: string,
): DecisionAdvice {
  const bands =
    phase === 'b'
      ? [
          { below: PHASE_B_TARGET, advice: `below the plan's target for Phase B (${PHASE_B_TARGET})` },
          { below: Number.POSITIVE_INFINITY, advice: `at or above the plan's target for Phase B (${PHASE_B_TARGET})` },
        ]
      : PHASE_A_BANDS;
  const indexOf = (value: number) => bands.findIndex(({ below }) => value < below);
  const own = indexOf(auc);
  const reached = interval ? bands.slice(indexOf(interval.low), indexOf(interval.high) + 1) : [];
  return {
    band: [bands[own - 1]?.below ?? 0, Math.min(bands[own]!.below, 1)],
    advice: bands[own]!.advice,
    alsoPossible: reached.filter((band) => band !== bands[own]).map(({ advice }) => advice),
  };
}
