import type { Random } from '../../workers/random/keyedGenerator.js';

/** Side of a noise tile in samples; a power of two, so that wrapping is a mask. */
const SIDE = 256;

/**
 * A square of value noise (random values on a lattice, smoothly interpolated) that repeats without a seam.
 * Octaves are summed once when the tile is made, so that looking a point up costs one bilinear fetch.
 */
export class ValueNoise {
  private readonly samples = new Float32Array(SIDE * SIDE);

  /** @param cells lattice cells along a side of each octave; every entry divides 256. Amplitudes fall as 1/octave. */
  constructor(random: Random, cells: readonly number[]) {
    let total = 0;
    cells.forEach((count, octave) => {
      const amplitude = 1 / (octave + 1);
      total += amplitude;
      this.addOctave(random, count, amplitude);
    });
    for (let i = 0; i < this.samples.length; i++) this.samples[i] = this.samples[i]! / total;
  }

  private addOctave(random: Random, cells: number, amplitude: number): void {
    const lattice = Float32Array.from({ length: cells * cells }, () => random.uniform());
    const step = cells / SIDE;
    for (let y = 0; y < SIDE; y++) {
      const row = Math.floor(y * step);
      const fy = fade(y * step - row);
      for (let x = 0; x < SIDE; x++) {
        const column = Math.floor(x * step);
        const fx = fade(x * step - column);
        const right = (column + 1) % cells;
        const below = (row + 1) % cells;
        const top = lattice[row * cells + column]! * (1 - fx) + lattice[row * cells + right]! * fx;
        const bottom = lattice[below * cells + column]! * (1 - fx) + lattice[below * cells + right]! * fx;
        this.samples[y * SIDE + x]! += amplitude * (top * (1 - fy) + bottom * fy);
      }
    }
  }

  /** The noise at a point in samples (any real numbers; the tile repeats every 256). In [0,1], mean ½. */
  at(x: number, y: number): number {
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    const fx = x - x0;
    const fy = y - y0;
    const left = x0 & (SIDE - 1);
    const right = (x0 + 1) & (SIDE - 1);
    const top = (y0 & (SIDE - 1)) * SIDE;
    const bottom = ((y0 + 1) & (SIDE - 1)) * SIDE;
    const s = this.samples;
    const a = s[top + left]! + (s[top + right]! - s[top + left]!) * fx;
    const b = s[bottom + left]! + (s[bottom + right]! - s[bottom + left]!) * fx;
    return a + (b - a) * fy;
  }
}

function fade(t: number): number {
  return t * t * (3 - 2 * t);
}

/** 0 below `from`, 1 above `to`, smooth between; `from` may be the larger one. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return fade(t);
}
