/**
 * Colours that people with any form of colour vision tell apart (Okabe and Ito, Color Universal Design, 2008), without
 * black and yellow, which do not stand out on every background.
 */
export const PALETTE = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
export const REAL_COLOUR = PALETTE[0];
export const FAKE_COLOUR = PALETTE[1];

/** Line patterns for when the colours have been used up. */
const DASHES = ['', '6 3', '2 3', '8 3 2 3'] as const;

/** Colour and dash pattern of the series number `index`. */
export const seriesStyle = (index: number): { colour: string; dash: string } => ({
  colour: PALETTE[index % PALETTE.length]!,
  dash: DASHES[Math.floor(index / PALETTE.length) % DASHES.length]!,
});
