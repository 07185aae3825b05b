import { brightnessContrastTable, type ColourTables, hsvShiftTables, rgbShiftTable } from '../../image/colourTables.js';
import type { Random } from '../../random/keyedGenerator.js';
import { RecipeError } from '../recipe.js';

/** Ranges of a pixel-wise change of colour. */
export type ColourRanges = {
  /** 8-bit levels, least and most, each channel with a sign of its own: [0, 20] is U(-20, 20). */
  rgb_shift: number[];
  rgb_shift_prob: number;
  /** `exact`: shifts in stored 8-bit units, as the published augmentation in effect applies them; `wide`: shares of
   * each channel's range, as its numbers suggest. */
  hsv_mode: string;
  hsv_shift: number;
  hsv_prob: number;
  brightness: number;
  contrast: number;
  brightness_contrast_prob: number;
};

/** Draws one change of colour; every number is drawn whether it is used or not. Null where nothing changes. */
export function drawColourTables(ranges: ColourRanges, random: Random): ColourTables | null {
  if (ranges.hsv_mode !== 'exact' && ranges.hsv_mode !== 'wide')
    throw new RecipeError(`Expected exact or wide for hsv_mode but received ${ranges.hsv_mode}`);
  const shiftsRgb = random.chance(ranges.rgb_shift_prob);
  const shift = (): number => {
    const size = random.between(ranges.rgb_shift[0]!, ranges.rgb_shift[1]!);
    return random.chance(0.5) ? size : -size;
  };
  const rgb: [number, number, number] = [shift(), shift(), shift()];
  const shiftsHsv = random.chance(ranges.hsv_prob);
  const [hueRange, levelRange] = ranges.hsv_mode === 'wide' ? [180, 255] : [1, 1];
  const around = (limit: number): number => random.between(-limit, limit);
  const [hue, saturation, value] = [around(ranges.hsv_shift), around(ranges.hsv_shift), around(ranges.hsv_shift)];
  const changesContrast = random.chance(ranges.brightness_contrast_prob);
  const [brightness, contrast] = [around(ranges.brightness), around(ranges.contrast)];
  if (!shiftsRgb && !shiftsHsv && !changesContrast) return null;
  return {
    before: shiftsRgb ? rgbShiftTable(rgb) : null,
    hsv: shiftsHsv ? hsvShiftTables(hue * hueRange, saturation * levelRange, value * levelRange) : null,
    after: changesContrast ? brightnessContrastTable(brightness, contrast) : null,
  };
}
