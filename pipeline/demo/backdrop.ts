import type { Random } from '../../workers/random/keyedGenerator.js';
import type { Colour } from './identity.js';
import type { ValueNoise } from './valueNoise.js';

const SIDE = 128;

/** An out-of-focus room behind a head: a lit wall with furniture, frames, lamps or plain paper. Linear light. */
export class Backdrop {
  private readonly pixels = new Float32Array(SIDE * SIDE * 3);

  constructor(random: Random, clouds: ValueNoise) {
    const wall = colour(random, random.between(0.03, 0.45), random.pick([0.08, 0.15, 0.3]));
    const lean = random.between(-0.6, 0.6);
    const grain = random.between(0.1, 0.5);
    const offset = random.between(0, 256);
    const blur = random.between(0.8, 4.5);
    this.fill((x, y) => {
      const light = 1 + lean * (x - 0.5) - 0.3 * (y - 0.5) + grain * (clouds.at(x * 150 + offset, y * 150) - 0.5);
      return [wall[0] * light, wall[1] * light, wall[2] * light];
    });
    const kind = random.pick(['plain', 'shelves', 'frames', 'lamps', 'curtain'] as const);
    if (kind === 'shelves') this.shelves(random);
    if (kind === 'frames') this.frames(random);
    if (kind === 'curtain') this.curtain(random);
    this.blur(blur);
    // Points of light stay sharp discs when they are out of focus.
    if (kind === 'lamps') this.lamps(random);
    this.blur(0.7);
  }

  /** Colour at a point of the picture, both coordinates 0..1 across it; a margin of a tenth lies outside. */
  at(x: number, y: number, out: Float64Array): void {
    const u = Math.min(SIDE - 1.001, Math.max(0, ((x + 0.1) / 1.2) * (SIDE - 1)));
    const v = Math.min(SIDE - 1.001, Math.max(0, ((y + 0.1) / 1.2) * (SIDE - 1)));
    const u0 = u | 0;
    const v0 = v | 0;
    const fu = u - u0;
    const fv = v - v0;
    const a = (v0 * SIDE + u0) * 3;
    const b = a + SIDE * 3;
    const p = this.pixels;
    for (let c = 0; c < 3; c++) {
      const top = p[a + c]! + (p[a + 3 + c]! - p[a + c]!) * fu;
      const bottom = p[b + c]! + (p[b + 3 + c]! - p[b + c]!) * fu;
      out[c] = top + (bottom - top) * fv;
    }
  }

  private fill(at: (x: number, y: number) => Colour | null): void {
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const value = at(x / SIDE, y / SIDE);
        if (value) this.pixels.set(value, (y * SIDE + x) * 3);
      }
    }
  }

  private rectangle(x0: number, y0: number, x1: number, y1: number, value: Colour): void {
    this.fill((x, y) => (x >= x0 && x < x1 && y >= y0 && y < y1 ? value : null));
  }

  private shelves(random: Random): void {
    const wood = colour(random, random.between(0.03, 0.2), 0.4);
    for (let y = random.between(-0.1, 0.1); y < 1; y += random.between(0.22, 0.32)) {
      let x = 0;
      while (x < 1) {
        const width = random.between(0.015, 0.05);
        const height = random.between(0.12, 0.2);
        this.rectangle(x, y + 0.22 - height, x + width, y + 0.22, colour(random, random.between(0.02, 0.4), 0.8));
        x += width;
      }
      this.rectangle(0, y + 0.22, 1, y + 0.25, wood);
    }
  }

  private frames(random: Random): void {
    for (let i = random.integer(1, 3); i > 0; i--) {
      const x = random.between(0, 0.8);
      const y = random.between(0, 0.5);
      const width = random.between(0.12, 0.3);
      const height = random.between(0.15, 0.4);
      this.rectangle(x, y, x + width, y + height, colour(random, 0.03, 0.3));
      this.rectangle(
        x + 0.02,
        y + 0.02,
        x + width - 0.02,
        y + height - 0.02,
        colour(random, random.between(0.1, 0.5), 0.6),
      );
    }
  }

  private curtain(random: Random): void {
    const cloth = colour(random, random.between(0.05, 0.4), 0.6);
    const from = random.between(0, 0.5);
    const to = from + random.between(0.3, 0.6);
    const folds = random.between(40, 90);
    this.fill((x) => {
      if (x < from || x > to) return null;
      const light = 0.75 + 0.35 * Math.sin(x * folds + 2 * Math.sin(x * 23));
      return [cloth[0] * light, cloth[1] * light, cloth[2] * light];
    });
  }

  private lamps(random: Random): void {
    for (let i = random.integer(5, 16); i > 0; i--) {
      const [cx, cy] = [random.uniform(), random.between(0, 0.8)];
      const radius = random.between(0.02, 0.06);
      const [r, g, b] = colour(random, random.between(0.2, 0.8), 0.6);
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          if ((x / SIDE - cx) ** 2 + (y / SIDE - cy) ** 2 > radius * radius) continue;
          const at = (y * SIDE + x) * 3;
          this.pixels[at]! += r * 0.6;
          this.pixels[at + 1]! += g * 0.6;
          this.pixels[at + 2]! += b * 0.6;
        }
      }
    }
  }

  /** Three box blurs a direction, close to a Gaussian of the given deviation in samples. */
  private blur(sigma: number): void {
    const radius = Math.max(1, Math.round(sigma));
    const line = new Float32Array(SIDE);
    for (let pass = 0; pass < 3; pass++) {
      for (const [step, stride] of [
        [3, SIDE * 3],
        [SIDE * 3, 3],
      ] as const) {
        for (let lane = 0; lane < SIDE; lane++) {
          for (let c = 0; c < 3; c++) {
            const start = lane * stride + c;
            let sum = 0;
            for (let k = -radius; k <= radius; k++)
              sum += this.pixels[start + Math.min(SIDE - 1, Math.max(0, k)) * step]!;
            for (let i = 0; i < SIDE; i++) {
              line[i] = sum / (2 * radius + 1);
              const add = Math.min(SIDE - 1, i + radius + 1);
              const drop = Math.max(0, i - radius);
              sum += this.pixels[start + add * step]! - this.pixels[start + drop * step]!;
            }
            for (let i = 0; i < SIDE; i++) this.pixels[start + i * step] = line[i]!;
          }
        }
      }
    }
  }
}

/** A random colour of a given brightness; `saturation` 0 is grey. */
function colour(random: Random, brightness: number, saturation: number): Colour {
  const channel = () => brightness * (1 + saturation * random.between(-1, 1));
  return [channel(), channel(), channel()];
}
