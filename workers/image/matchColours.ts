/** Standard deviations are matched within these ratios: a flat face must not have its noise blown up. */
const RATIOS = [0.5, 2] as const;

/**
 * Gives a picture the colours of another inside a mask: every channel is scaled and shifted so that its mean and standard
 * deviation become those of the other one (Reinhard et al. 2001, here on RGB), as far as 8 bits and a bound on the scale
 * let them. One change for all of the pictures.
 *
 * @param pixels RGB `[n, 3]`, changed in place
 * @param like RGB `[n, 3]`
 * @param mask `[n]`: pixels that are not 0 are counted; all pixels are changed
 */
export function matchColours(pixels: Uint8Array, like: Uint8Array, mask: Uint8Array): void {
  const tables = [0, 1, 2].map((channel) => {
    const own = moments(pixels, mask, channel);
    const wanted = moments(like, mask, channel);
    const ratio = own.deviation > 0 ? wanted.deviation / own.deviation : 1;
    const scale = Math.max(RATIOS[0], Math.min(RATIOS[1], ratio));
    return Uint8ClampedArray.from({ length: 256 }, (_, level) => (level - own.mean) * scale + wanted.mean);
  });
  for (let i = 0; i < pixels.length; i += 3) for (let c = 0; c < 3; c++) pixels[i + c] = tables[c]![pixels[i + c]!]!;
}

function moments(pixels: Uint8Array, mask: Uint8Array, channel: number): { mean: number; deviation: number } {
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    const level = pixels[3 * i + channel]!;
    count++;
    sum += level;
    squares += level * level;
  }
  if (count === 0) return { mean: 0, deviation: 0 };
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}
