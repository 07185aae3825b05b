/** OpenCV's 8-bit HSV: hue in half degrees 0..179, saturation and value 0..255. */

const FIXED_BITS = 12;
const HALF = 1 << (FIXED_BITS - 1);

/** 255 / max and 30 / range in fixed point: OpenCV divides by table, and its rounding is part of the convention. */
export const SATURATION_SCALE = Int32Array.from({ length: 256 }, (_, i) =>
  i === 0 ? 0 : Math.round((255 << FIXED_BITS) / i),
);
export const HUE_SCALE = Int32Array.from({ length: 256 }, (_, i) =>
  i === 0 ? 0 : Math.round((180 << FIXED_BITS) / (6 * i)),
);

/** Which sixth of the circle a stored hue lies in, and how far into it (0..29). */
const SECTOR = Uint8Array.from({ length: 256 }, (_, hue) => Math.floor(hue / 30));
const PART = Uint8Array.from({ length: 256 }, (_, hue) => hue % 30);

/** Pixels `[n, 3]` from RGB to HSV. */
export function rgbToHsv(rgb: Uint8Array, hsv: Uint8Array): void {
  for (let i = 0; i + 2 < rgb.length; i += 3) {
    const packed = packHsv(rgb[i]!, rgb[i + 1]!, rgb[i + 2]!);
    hsv[i] = packed >> 16;
    hsv[i + 1] = (packed >> 8) & 255;
    hsv[i + 2] = packed & 255;
  }
}

/** Pixels `[n, 3]` from HSV to RGB. */
export function hsvToRgb(hsv: Uint8Array, rgb: Uint8Array): void {
  for (let i = 0; i + 2 < hsv.length; i += 3) {
    const packed = packRgb(hsv[i]!, hsv[i + 1]!, hsv[i + 2]!);
    rgb[i] = packed >> 16;
    rgb[i + 1] = (packed >> 8) & 255;
    rgb[i + 2] = packed & 255;
  }
}

/** One pixel to `hue << 16 | saturation << 8 | value`; a packed number needs no memory. */
export function packHsv(r: number, g: number, b: number): number {
  const value = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  const range = value - least;
  const saturation = (range * SATURATION_SCALE[value]! + HALF) >> FIXED_BITS;
  const sixth = value === r ? g - b : value === g ? b - r + 2 * range : r - g + 4 * range;
  let hue = (sixth * HUE_SCALE[range]! + HALF) >> FIXED_BITS;
  if (hue < 0) hue += 180;
  return (hue << 16) | (saturation << 8) | value;
}

/**
 * One pixel to `r << 16 | g << 8 | b`. The four candidate levels are exact fractions, rounded once; OpenCV rounds them
 * in its plain code and truncates them in its vector code, so its results depend on the width of the picture.
 */
export function packRgb(hue: number, saturation: number, value: number): number {
  const sector = SECTOR[hue]!;
  const part = PART[hue]!;
  const low = (value * (255 - saturation) * (1 / 255) + 0.5) | 0;
  if ((sector & 1) === 0) {
    const rising = ((value * (7650 - saturation * (30 - part)) + 3825) / 7650) | 0;
    if (sector === 0) return (value << 16) | (rising << 8) | low;
    if (sector === 2) return (low << 16) | (value << 8) | rising;
    return (rising << 16) | (low << 8) | value;
  }
  const falling = ((value * (7650 - saturation * part) + 3825) / 7650) | 0;
  if (sector === 1) return (falling << 16) | (value << 8) | low;
  if (sector === 3) return (low << 16) | (falling << 8) | value;
  return (value << 16) | (low << 8) | falling;
}
