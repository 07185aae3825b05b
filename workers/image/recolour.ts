import { kernels } from '../simd/kernels.js';
import { beginCall, endCall, input, output, scratch } from '../simd/linearMemory.js';
import { type Box, isEmptyBox } from './box.js';
import type { ColourTables, HsvTables } from './colourTables.js';
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
  if (isEmptyBox(box)) return;
  const shift = tables.hsv && shiftOf(tables.hsv);
  if (tables.hsv && !shift) {
    recolourByTables(source, sourceOffset, target, targetOffset, width, box, tables);
    return;
  }
  const bytes = width * box.y1 * 3;
  const after = tables.after && new Uint8Array(768);
  for (let channel = 0; channel < 3; channel++) after?.set(tables.after!, channel * 256);
  beginCall();
  kernels.recolour(
    input(source, sourceOffset, bytes),
    output(target, targetOffset, bytes),
    width,
    box.x0,
    box.y0,
    box.x1,
    box.y1,
    tables.before ? input(tables.before) : 0,
    shift ? 1 : 0,
    shift?.hue ?? 0,
    shift?.saturation ?? 0,
    shift?.value ?? 0,
    after ? input(after) : 0,
    scratch((box.x1 - box.x0) * 3 + 32),
  );
  endCall();
}

/** The whole numbers that the tables add to hue (modulo 180), saturation and value (clipped); null for other tables. */
function shiftOf({ hue, saturation, value }: HsvTables): { hue: number; saturation: number; value: number } | null {
  const turn = hue[0]!;
  for (let h = 0; h < 180; h++) if (hue[h] !== (h + turn) % 180) return null;
  const [bySaturation, byValue] = [stepOf(saturation), stepOf(value)];
  return bySaturation === null || byValue === null ? null : { hue: turn, saturation: bySaturation, value: byValue };
}

function stepOf(levels: Uint8Array): number | null {
  const step = levels[0]! > 0 ? levels[0]! : levels[255]! - 255;
  for (let v = 0; v < 256; v++) if (levels[v] !== Math.min(255, Math.max(0, v + step))) return null;
  return step;
}

/** The same with any tables, pixel by pixel: what the kernel is tested against. */
export function recolourByTables(
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
