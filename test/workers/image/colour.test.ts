import { describe, expect, it } from 'vitest';
import { wholeBox } from '../../../workers/image/box.js';
import { brightnessContrastTable, hsvShiftTables, rgbShiftTable } from '../../../workers/image/colourTables.js';
import { hsvToRgb, rgbToHsv } from '../../../workers/image/hsv.js';
import { recolour } from '../../../workers/image/recolour.js';
import { compare, reference, referenceBytes } from '../reference.js';

const noise = referenceBytes('noise');
const [H, W] = reference('noise').shape as [number, number];
const shifts = (name: string) => Array.from(reference(name).data as Float64Array) as [number, number, number];

function recoloured(tables: Partial<Parameters<typeof recolour>[6]>): Uint8Array {
  const out = new Uint8Array(noise.length);
  recolour(noise, 0, out, 0, W, wholeBox(W, H), { before: null, hsv: null, after: null, ...tables });
  return out;
}

describe('HSV', () => {
  it("is OpenCV's 8-bit convention, to the bit", () => {
    const colours = referenceBytes('colours');
    const hsv = new Uint8Array(colours.length);
    rgbToHsv(colours, hsv);
    expect(compare(hsv, referenceBytes('colours_hsv'))).toEqual({ most: 0, share: 0 });
  });

  it('turns back as OpenCV does, rounding apart', () => {
    const hsv = referenceBytes('hsv');
    const rgb = new Uint8Array(hsv.length);
    hsvToRgb(hsv, rgb);
    const { most, share } = compare(rgb, referenceBytes('hsv_rgb'));
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(0.01);
  });

  it('brings every grey back unchanged and every colour back nearly', () => {
    const grey = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    const there = new Uint8Array(768);
    const back = new Uint8Array(768);
    rgbToHsv(grey, there);
    hsvToRgb(there, back);
    expect(back).toEqual(grey);
    const colours = referenceBytes('colours');
    const hsv = new Uint8Array(colours.length);
    const rgb = new Uint8Array(colours.length);
    rgbToHsv(colours, hsv);
    hsvToRgb(hsv, rgb);
    expect(compare(rgb, colours).most).toBeLessThanOrEqual(5);
  });

  it('shifts by table as the published augmentation', () => {
    for (const mode of ['exact', 'wide']) {
      const { most, share } = compare(
        recoloured({ hsv: hsvShiftTables(...shifts(`hsv_${mode}_shifts`)) }),
        referenceBytes(`hsv_${mode}`),
      );
      expect(most, mode).toBeLessThanOrEqual(1);
      expect(share, mode).toBeLessThan(0.01);
    }
  });

  it('in effect lowers a channel by one for a small negative shift and leaves it for a small positive one', () => {
    const down = hsvShiftTables(-0.01, -0.3, -0.2);
    const up = hsvShiftTables(0.3, 0.01, 0.2);
    for (let level = 0; level < 180; level++) {
      expect(down.hue[level]).toBe((level + 179) % 180);
      expect(up.hue[level]).toBe(level);
    }
    for (let level = 0; level < 256; level++) {
      expect([down.saturation[level], down.value[level]]).toEqual([Math.max(0, level - 1), Math.max(0, level - 1)]);
      expect([up.saturation[level], up.value[level]]).toEqual([level, level]);
    }
  });
});

describe('recolour', () => {
  it('shifts channels and changes brightness as NumPy does', () => {
    expect(recoloured({ before: rgbShiftTable(shifts('rgb_shifts')) })).toEqual(referenceBytes('rgb_shifted'));
    const [brightness, contrast] = reference('brightness_contrast').data as Float64Array;
    expect(recoloured({ after: brightnessContrastTable(brightness!, contrast!) })).toEqual(
      referenceBytes('brightened'),
    );
  });

  it('writes only inside the box', () => {
    const out = new Uint8Array(noise.length).fill(7);
    const box = { x0: 3, y0: 5, x1: 9, y1: 8 };
    recolour(noise, 0, out, 0, W, box, { before: null, hsv: null, after: null });
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++) {
        const inside = x >= 3 && x < 9 && y >= 5 && y < 8;
        expect(out[(y * W + x) * 3 + 1]).toBe(inside ? noise[(y * W + x) * 3 + 1] : 7);
      }
  });
});
