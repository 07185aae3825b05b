import type { Box } from './box.js';
import type { ColourTables } from './colourTables.js';
import { packHsv, packRgb } from './hsv.js';

const IDENTITY = Uint8Array.from({ length: 256 }, (_, v) => v);
const IDENTITY_RGB = Uint8Array.from({ length: 768 }, (_, v) => v & 255);

/** Applies a pixel-wise change of colour to `box` of one RGB frame `[*, width, 3]`; source and target may be the same. */
export function recolour(
  source: Uint8Array,
  sourceOffset: number,
  target: Uint8Array,
  targetOffset: number,
  width: number,
  box: Box,
  tables: ColourTables,
): void {
  const before = tables.before ?? IDENTITY_RGB;
  const after = tables.after ?? IDENTITY;
  const hsv = tables.hsv;
  for (let y = box.y0; y < box.y1; y++) {
    const first = (y * width + box.x0) * 3;
    const end = sourceOffset + (y * width + box.x1) * 3;
    for (let i = sourceOffset + first, o = targetOffset + first; i < end; i += 3, o += 3) {
      let r = before[source[i]!]!;
      let g = before[256 + source[i + 1]!]!;
      let b = before[512 + source[i + 2]!]!;
      if (hsv !== null) {
        const packed = packHsv(r, g, b);
        const rgb = packRgb(hsv.hue[packed >> 16]!, hsv.saturation[(packed >> 8) & 255]!, hsv.value[packed & 255]!);
        r = rgb >> 16;
        g = (rgb >> 8) & 255;
        b = rgb & 255;
      }
      target[o] = after[r]!;
      target[o + 1] = after[g]!;
      target[o + 2] = after[b]!;
    }
  }
}
