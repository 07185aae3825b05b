import type { TracedFrame } from '../../workers/index.js';
import { drawPictureSheet, type PictureSheetOptions, type SheetLayout } from './pictureSheet.js';

/** A self-blended pair as its synthesis traced it: frames in order of time. */
export type SheetPair = { readonly id: string; readonly frames: readonly TracedFrame[] };

export type ContactSheetOptions = Partial<Omit<PictureSheetOptions, 'legend'>>;

export type SheetKind = 'target' | 'source' | 'mask' | 'blend';

const KINDS: readonly SheetKind[] = ['target', 'source', 'mask', 'blend'];

const LEGEND = [
  'target: the frame that is blended into',
  'source: the same frame, moved a little; one of the two is recoloured',
  'mask: share of the source, white is all of it',
  'blend: the fake: target outside the mask, source within',
] as const;

/**
 * Draws pairs as they were made onto one PNG: four rows a pair (target, source, mask, blend), a column for each of some
 * frames over time. The file appears whole or not at all.
 *
 * @throws RangeError when there is nothing to draw
 */
export function drawContactSheet(
  pairs: readonly SheetPair[],
  file: string,
  { title = 'Self-blended pairs', ...options }: ContactSheetOptions = {},
): Promise<SheetLayout<SheetKind>> {
  return drawPictureSheet(pairs, KINDS, file, { title, legend: LEGEND, ...options });
}
