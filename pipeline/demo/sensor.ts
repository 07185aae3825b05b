import { keyedGenerator, type Random } from '../../workers/random/keyedGenerator.js';

/** What a video camera does to light: exposure, colour resolution, noise. */
export type Sensor = { readonly exposure: number; readonly noise: number; readonly softness: number };

/** Normal noise that every frame reads from another place and in other steps; its prime length hides the period. */
const GRAIN = 65_521;
const grainSource = keyedGenerator('demo', 'grain');
const grain = Float32Array.from({ length: GRAIN }, () => grainSource.normal());

const CODES = 4096;
/** sRGB's transfer curve (IEC 61966-2-1) on 0..1, scaled to 0..255. */
const SRGB = Float32Array.from({ length: CODES + 1 }, (_, i) => {
  const value = i / CODES;
  return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
});

/** @param tone of the skin, 0 the lightest: like a camera's own metering, a dark face is exposed longer */
export function drawSensor(random: Random, tone: number): Sensor {
  return {
    exposure: random.between(0.88, 1.14) * (0.78 + 0.55 * tone),
    noise: random.between(0.5, 2.2),
    softness: random.between(0.05, 0.16),
  };
}

/**
 * Develops linear light `[N,N,3]` of a picture `oversampling` times as large into 8-bit sRGB `[side,side,3]`: averages,
 * encodes, keeps colour at half resolution as 4:2:0 video does, adds noise.
 */
export function develop(
  light: Float32Array,
  large: number,
  side: number,
  sensor: Sensor,
  random: Random,
  out: Uint8Array,
): void {
  const small = shrink(light, large, side);
  const count = side * side;
  const luma = new Float32Array(count);
  const blue = new Float32Array(count);
  const red = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const r = encode(small[3 * i]! * sensor.exposure);
    const g = encode(small[3 * i + 1]! * sensor.exposure);
    const b = encode(small[3 * i + 2]! * sensor.exposure);
    // BT.601 luma and colour differences.
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    luma[i] = y;
    blue[i] = b - y;
    red[i] = r - y;
  }
  const soft = blurred(luma, side, sensor.softness);
  const softBlue = blurred(blue, side, 0.25);
  const softRed = blurred(red, side, 0.25);
  const { noise } = sensor;
  let at = random.integer(0, GRAIN - 1);
  let colourAt = random.integer(0, GRAIN - 1);
  const step = random.integer(1, 7);
  for (let i = 0; i < count; i++) {
    at += step;
    if (at >= GRAIN) at -= GRAIN;
    colourAt += 1;
    if (colourAt >= GRAIN) colourAt = 0;
    const y = soft[i]!;
    // Shot noise grows with light, but the curve flattens it: strongest in the darker middle tones.
    const n = noise * (1.1 - y / 400);
    const value = y + n * grain[at]!;
    const db = softBlue[i]! + 0.5 * n * grain[colourAt]!;
    const dr = softRed[i]! - 0.5 * n * grain[(colourAt + 977) % GRAIN]!;
    const o = 3 * i;
    out[o] = byte(value + dr);
    out[o + 1] = byte(value - (0.299 * dr + 0.114 * db) / 0.587);
    out[o + 2] = byte(value + db);
  }
}

/** A soft shoulder keeps highlights from clipping hard, then sRGB. */
function encode(light: number): number {
  const rolled = light < 0.7 ? light : 0.7 + 0.3 * (1 - Math.exp((0.7 - light) / 0.3));
  return SRGB[Math.min(CODES, Math.max(0, (rolled * CODES + 0.5) | 0))]!;
}

function byte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}

/** Area average to a smaller square. */
function shrink(light: Float32Array, large: number, side: number): Float32Array {
  const ratio = large / side;
  const first = new Int32Array(side);
  const taps = Math.ceil(ratio) + 1;
  const weights = new Float32Array(side * taps);
  for (let i = 0; i < side; i++) {
    const from = i * ratio;
    const to = from + ratio;
    first[i] = Math.min(large - taps, Math.floor(from));
    for (let k = 0; k < taps; k++) {
      const cell = first[i]! + k;
      weights[i * taps + k] = Math.max(0, Math.min(to, cell + 1) - Math.max(from, cell)) / ratio;
    }
  }
  const narrow = new Float32Array(large * side * 3);
  for (let y = 0; y < large; y++) {
    for (let x = 0; x < side; x++) {
      const from = (y * large + first[x]!) * 3;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = 0; k < taps; k++) {
        const w = weights[x * taps + k]!;
        r += w * light[from + 3 * k]!;
        g += w * light[from + 3 * k + 1]!;
        b += w * light[from + 3 * k + 2]!;
      }
      const o = (y * side + x) * 3;
      narrow[o] = r;
      narrow[o + 1] = g;
      narrow[o + 2] = b;
    }
  }
  const out = new Float32Array(side * side * 3);
  const stride = side * 3;
  for (let y = 0; y < side; y++) {
    for (let k = 0; k < taps; k++) {
      const w = weights[y * taps + k]!;
      if (w === 0) continue;
      const from = (first[y]! + k) * stride;
      for (let i = 0; i < stride; i++) out[y * stride + i]! += w * narrow[from + i]!;
    }
  }
  return out;
}

/** Three-tap blur in both directions; `share` is the weight of either neighbour. */
function blurred(plane: Float32Array, side: number, share: number): Float32Array {
  const middle = 1 - 2 * share;
  const across = new Float32Array(plane.length);
  for (let y = 0; y < side; y++) {
    const row = y * side;
    for (let x = 0; x < side; x++) {
      const l = plane[row + Math.max(0, x - 1)]!;
      const r = plane[row + Math.min(side - 1, x + 1)]!;
      across[row + x] = middle * plane[row + x]! + share * (l + r);
    }
  }
  const out = new Float32Array(plane.length);
  for (let y = 0; y < side; y++) {
    const row = y * side;
    const up = Math.max(0, y - 1) * side;
    const down = Math.min(side - 1, y + 1) * side;
    for (let x = 0; x < side; x++)
      out[row + x] = middle * across[row + x]! + share * (across[up + x]! + across[down + x]!);
  }
  return out;
}
