/** What validation found out about a detector's probabilities; stored in its checkpoint. */
export type Calibration = {
  /** Logits are divided by it: above 1 the detector was too sure of itself, below 1 not sure enough. */
  temperature: number;
  /** Self-blended pairs that it was fitted to. */
  pairs: number;
  /** Mean negative log-likelihood of their labels, nats, with and without the temperature; ln 2 is a coin's. */
  nll: number;
  nllUncalibrated: number;
  /** How well their scores were ranked. */
  auc: number;
  /** Optimiser step of the weights that were validated. */
  step: number;
};

/** Beyond these a temperature says no more than "the scores tell nothing" and "the pairs are told apart without error". */
export const TEMPERATURE_BOUNDS = { least: 0.05, most: 20 } as const;
/** Half of the distance between 1 and the float32 below it: scores are float32, and one of exactly 1 has no logit. */
const LEAST_PROBABILITY = 2 ** -25;
/** By so much a softmax in float32 may leave [0,1]. */
const ROUNDING = 1e-6;
/** Halvings of the bounds: temperatures are exact to 15 digits. */
const HALVINGS = 60;
/** Upper twentieth of χ² with one degree of freedom. */
const CHI_SQUARED_95 = 3.841;

/** ln(p / (1 − p)), finite also at 0 and 1. */
export function logitOf(probability: number): number {
  const inside = Math.min(1 - LEAST_PROBABILITY, Math.max(LEAST_PROBABILITY, probability));
  return Math.log(inside / (1 - inside));
}

/** σ(logit / T): the probability once the detector's confidence has been set right; monotone, so ranks are kept. */
export const calibrated = (probability: number, temperature: number): number =>
  sigmoid(logitOf(probability) / temperature);

/**
 * Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, ICML 2017): the one number by which logits
 * are divided so that held-out labels become most likely. The likelihood is convex in 1/T; the place where its slope
 * changes sign is found by halving.
 *
 * Labels are taken for (n+1)/(n+2) and 1/(n+2) with n scores of the class, as Platt (1999) does for the same fit: pairs
 * told apart without error would otherwise ask for infinite certainty, of which a few dozen of them are no evidence.
 *
 * @param labels 0 real, 1 fake
 * @param probabilities of being fake, in [0,1]
 * @throws RangeError for none, or for probabilities outside [0,1]
 */
export function fitTemperature(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): Pick<Calibration, 'temperature' | 'nll' | 'nllUncalibrated'> {
  const count = labels.length;
  if (count === 0 || probabilities.length !== count)
    throw new RangeError(
      `Expected as many probabilities as labels and at least one but received ${probabilities.length} and ${count}`,
    );
  const logits = Float64Array.from(probabilities, (probability) => {
    if (!(probability >= -ROUNDING && probability <= 1 + ROUNDING))
      throw new RangeError(`Expected probabilities in [0,1] but received ${probability}`);
    return logitOf(probability);
  });
  const fakes = Array.from(labels).filter((label) => label === 1).length;
  const target = { fake: (fakes + 1) / (fakes + 2), real: 1 / (count - fakes + 2) };
  const targets = Float64Array.from(labels, (label) => (label === 1 ? target.fake : target.real));
  /** Slope of the negative log-likelihood over β = 1/T; it rises with β. */
  const slope = (beta: number) =>
    logits.reduce((sum, logit, i) => sum + (sigmoid(beta * logit) - targets[i]!) * logit, 0);
  const nllAt = (temperature: number) =>
    logits.reduce((sum, logit, i) => sum + softplus((labels[i] === 1 ? -logit : logit) / temperature), 0) / count;
  const temperature = logits.every((logit) => logit === 0) ? 1 : 1 / rootOf(slope);
  return { temperature, nll: nllAt(temperature), nllUncalibrated: nllAt(1) };
}

/**
 * Whether the validated scores carry information about the labels: a likelihood-ratio test (Wilks, 1938) of the
 * temperature against "they tell nothing", at 5 %.
 */
export const tellsApart = ({ pairs, nll }: Pick<Calibration, 'pairs' | 'nll'>): boolean =>
  2 * (2 * pairs) * (Math.LN2 - nll) > CHI_SQUARED_95;

/** The calibration that a checkpoint's state holds; null where it has none, as before there was one. */
export function calibrationOf(state: Readonly<Record<string, unknown>> | null): Calibration | null {
  const { temperature, pairs, nll, nll_uncalibrated, auc, step } = (state?.calibration ?? {}) as Record<
    string,
    unknown
  >;
  const numbers = { temperature, pairs, nll, nllUncalibrated: nll_uncalibrated, auc, step };
  const whole = Object.values(numbers).every((value) => typeof value === 'number' && Number.isFinite(value));
  return whole && (temperature as number) > 0 ? (numbers as Calibration) : null;
}

/** Where a rising function changes sign, between the inverses of the bounds; a bound where it does not. */
function rootOf(rising: (beta: number) => number): number {
  let [low, high] = [Math.log(1 / TEMPERATURE_BOUNDS.most), Math.log(1 / TEMPERATURE_BOUNDS.least)];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (rising(Math.exp(middle)) < 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** ln(1 + eˣ) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
