/** A change of hue, saturation and value on 8-bit pictures, as tables over the stored numbers. */
export type HsvTables = {
  /** Hue 0..179, OpenCV's half degrees. */
  hue: Uint8Array;
  saturation: Uint8Array;
  value: Uint8Array;
};

/** A pixel-wise change of colour: tables per channel, then HSV, then one table for all channels. */
export type ColourTables = {
  /** `[3, 256]`, or null for no change. */
  before: Uint8Array | null;
  hsv: HsvTables | null;
  /** `[256]`, or null for no change. */
  after: Uint8Array | null;
};

/** Truncated to whole levels inside 0..255, as a float array cast to 8 bits after clipping. */
const toLevel = (value: number): number => Math.trunc(Math.min(255, Math.max(0, value)));

export function rgbShiftTable(shifts: readonly [number, number, number]): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, i) => toLevel((i & 255) + shifts[i >> 8]!));
}

/** v -> v (1 + contrast) + 255 brightness. */
export function brightnessContrastTable(brightness: number, contrast: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, v) => toLevel(v * (1 + contrast) + 255 * brightness));
}

/**
 * Shifts in stored units: hue modulo 180, saturation and value clipped to 0..255. Results are truncated, so that a
 * shift between -1 and 0 lowers every level by one and a shift between 0 and 1 changes nothing: with shifts of +-0.3
 * this is what the published augmentation does to 8-bit pictures.
 */
export function hsvShiftTables(hue: number, saturation: number, value: number): HsvTables {
  return {
    hue: Uint8Array.from({ length: 180 }, (_, h) => Math.trunc((((h + hue) % 180) + 180) % 180)),
    saturation: Uint8Array.from({ length: 256 }, (_, s) => toLevel(s + saturation)),
    value: Uint8Array.from({ length: 256 }, (_, v) => toLevel(v + value)),
  };
}
