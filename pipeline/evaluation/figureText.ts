import type { CueName, Figure } from '../../model/index.js';

/** `0.873`, or a dash where there is no value. */
export const numberText = (value: number | null, digits = 3): string => (value === null ? '–' : value.toFixed(digits));

/** `0.812–0.921`, or nothing where there is no interval. */
export const intervalText = ({ interval }: Figure, digits = 3): string =>
  interval ? `${interval.low.toFixed(digits)}–${interval.high.toFixed(digits)}` : '';

/** `0.873 (0.812–0.921)`. */
export const figureText = (figure: Figure, digits = 3): string => {
  const interval = intervalText(figure, digits);
  return `${numberText(figure.value, digits)}${interval && ` (${interval})`}`;
};

/** `hllRatio`'s name in words, used where a reader first meets it. */
export const HLL_WORDS =
  'share of the wavelet band that holds fast change in time and slow change in space (HLL) in the energy of all bands';

/** What each cue takes for the fake. */
export const CUE_WORDS: Record<CueName, string> = {
  softness: 'the softer crop',
  few_pixels: 'the smaller picture',
  small_face: 'the smaller face',
  few_bits: 'the file with fewer bits per pixel',
  collection: 'what comes from a collection of fakes',
};
