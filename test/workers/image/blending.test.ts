import { describe, expect, it } from 'vitest';
import { alphaBlend } from '../../../workers/image/alphaBlend.js';
import { wholeBox } from '../../../workers/image/box.js';
import { harmonicFill } from '../../../workers/image/harmonicFill.js';
import { laplacianBlend, laplacianReach } from '../../../workers/image/laplacianBlend.js';
import { poissonBlend } from '../../../workers/image/poissonBlend.js';
import { halfSide, pyramidDown, pyramidUp } from '../../../workers/image/pyramid.js';
import { keyedGenerator } from '../../../workers/index.js';
import { reference, referenceLevels, referenceNames, referenceNumbers } from '../motionBlendReference.js';
import { compare } from '../reference.js';

const [H, W] = reference('mask').shape as [number, number];
const source = Uint8Array.from(referenceNumbers('source'));
const target = Uint8Array.from(referenceNumbers('target'));
const mask = Float32Array.from(referenceNumbers('mask'));
const support = { x0: W, y0: H, x1: 0, y1: 0 };
for (let i = 0; i < mask.length; i++) {
  if (mask[i] === 0) continue;
  support.x0 = Math.min(support.x0, i % W);
  support.x1 = Math.max(support.x1, (i % W) + 1);
  support.y0 = Math.min(support.y0, Math.floor(i / W));
  support.y1 = Math.max(support.y1, Math.floor(i / W) + 1);
}

/** Largest distance of a picture of whole levels from the exact result, clipped to what 8 bits hold. */
const distance = (levels: Uint8Array, exact: number[]): number =>
  compare(
    levels,
    exact.map((v) => Math.min(255, Math.max(0, v))),
  ).most;

describe('pyramids', () => {
  it("equal OpenCV's pyrDown and pyrUp, at even and odd sizes", () => {
    const names = referenceNames().filter((name) => name.startsWith('picture_'));
    expect(names.length).toBe(5);
    for (const name of names.map((full) => full.slice('picture_'.length))) {
      const [h, w, c] = name.split('x').map(Number) as [number, number, number];
      const channel = (of: ArrayLike<number>, k: number) => Float32Array.from(of).filter((_, i) => i % c === k);
      for (let k = 0; k < c; k++) {
        const down = new Float32Array(halfSide(w) * halfSide(h));
        pyramidDown(channel(referenceNumbers(`picture_${name}`), k), w, h, down);
        expect(compare(down, channel(referenceNumbers(`down_${name}`), k)).most, name).toBeLessThan(1e-4);
        const up = new Float32Array(w * h);
        pyramidUp(down, w, h, up);
        expect(compare(up, channel(referenceNumbers(`up_${name}`), k)).most, name).toBeLessThan(1e-4);
      }
    }
  });
});

describe('laplacianBlend', () => {
  it('mixes the bands as the textbook does with OpenCV', () => {
    for (const [levels, ratio] of [
      [5, 1],
      [3, 0.75],
      [1, 0.5],
    ] as const) {
      const picture = target.slice();
      laplacianBlend(picture, 0, source, mask, 0, ratio, W, H, support, levels);
      const exact = referenceLevels(`laplacian_${levels}_${ratio === 1 ? '1.0' : ratio}`);
      expect(distance(picture, exact), `${levels}`).toBeLessThanOrEqual(0.5 + 1 / 64);
    }
  });

  it('gives the same bytes from the mask’s surroundings as from the whole picture, whatever lies beyond', () => {
    const [width, height] = [211, 190];
    const random = keyedGenerator('laplacian');
    const noise = () => Uint8Array.from({ length: width * height * 3 }, () => random.integer(0, 255));
    const [a, b] = [noise(), noise()];
    const box = { x0: 93, y0: 81, x1: 109, y1: 101 };
    const spot = new Float32Array(width * height);
    for (let y = box.y0; y < box.y1; y++) spot.fill(0.8, y * width + box.x0, y * width + box.x1);
    const whole = b.slice();
    laplacianBlend(whole, 0, a, spot, 0, 1, width, height, wholeBox(width, height), 5);
    const part = b.slice();
    const reach = laplacianReach(5);
    const cut = a.map((v, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      const near = x >= box.x0 - reach && x < box.x1 + reach && y >= box.y0 - reach && y < box.y1 + reach;
      return near ? v : 255 - v;
    });
    const changed = laplacianBlend(part, 0, cut, spot, 0, 1, width, height, box, 5);
    expect(Buffer.compare(part, whole)).toBe(0);
    let farthest = 0;
    for (let i = 0; i < whole.length; i++) {
      if (whole[i] === b[i]) continue;
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      expect(x >= changed.x0 && x < changed.x1 && y >= changed.y0 && y < changed.y1).toBe(true);
      farthest = Math.max(farthest, box.x0 - x, x - box.x1 + 1, box.y0 - y, y - box.y1 + 1);
    }
    expect(farthest).toBeGreaterThan(10);
    expect(farthest).toBeLessThanOrEqual(reach);
  });

  it('is the source where the mask is 1 everywhere and the target where it is 0 or the pictures are equal', () => {
    const blended = (m: number, with_: Uint8Array) => {
      const picture = target.slice();
      laplacianBlend(picture, 0, with_, new Float32Array(W * H).fill(m), 0, 1, W, H, wholeBox(W, H), 5);
      return picture;
    };
    expect(blended(1, source)).toEqual(source);
    expect(blended(0, source)).toEqual(target);
    expect(blended(0.37, target)).toEqual(target);
  });
});

describe('poissonBlend', () => {
  const blended = (from: Uint8Array, m: Float32Array, ratio: number, sweeps = 60): Uint8Array => {
    const picture = target.slice();
    poissonBlend(picture, 0, from, m, 0, 1, ratio, W, H, wholeBox(W, H), sweeps);
    return picture;
  };

  it('equals a direct solution of the sparse system, to the rounding', () => {
    for (const [name, m] of [
      ['poisson', mask],
      ['poisson_border', Float32Array.from(referenceNumbers('border_mask'))],
    ] as const) {
      const exact = referenceLevels(name);
      expect(distance(blended(source, m, 1), exact), name).toBeLessThanOrEqual(0.5 + 0.08);
      const mixed = exact.map((v, i) => target[i]! + 0.25 * (v - target[i]!));
      expect(distance(blended(source, m, 0.25), mixed), name).toBeLessThanOrEqual(0.5 + 0.03);
    }
  });

  it('takes a source of other brightness for the target itself', () => {
    const dark = target.map((v) => Math.max(40, Math.min(200, v)));
    const picture = dark.slice();
    const brighter = dark.map((v) => v + 30);
    poissonBlend(picture, 0, brighter, mask, 0, 1, 1, W, H, support, 60);
    expect(picture).toEqual(dark);
  });

  it('changes nothing outside mask > 1/2', () => {
    const picture = blended(source, mask, 1);
    let changed = 0;
    for (let i = 0; i < picture.length; i++) {
      if (mask[Math.floor(i / 3)]! > 0.5) changed += Number(picture[i] !== target[i]);
      else expect(picture[i]).toBe(target[i]);
    }
    expect(changed).toBeGreaterThan(1000);
  });

  it('solves a region cut from the picture as it does in the whole', () => {
    const part = target.slice();
    poissonBlend(part, 0, source, mask, 0, 1, 1, W, H, support, 400);
    expect(compare(part, blended(source, mask, 1, 400)).most).toBeLessThanOrEqual(1);
  });
});

describe('harmonicFill', () => {
  it('continues a linear ramp, which is harmonic', () => {
    const [width, height] = [61, 47];
    const ramp = (i: number) => 3 * ((Math.floor(i / 3) % width) - 20) - 2 * Math.floor(i / 3 / width) + (i % 3);
    const values = Float32Array.from({ length: width * height * 3 }, (_, i) => ramp(i));
    const inside = Uint8Array.from({ length: width * height }, (_, i) => Number((i % width) % 60 > 4));
    for (let i = 0; i < inside.length; i++) if (inside[i]) values.fill(1e4, 3 * i, 3 * i + 3);
    // Pixels on the edge stay as they are, so there the ramp has to stand.
    const edge = (i: number) => i % width === 0 || i % width === width - 1 || i < width || i >= width * (height - 1);
    for (let i = 0; i < inside.length; i++)
      if (edge(i)) for (let k = 0; k < 3; k++) values[3 * i + k] = ramp(3 * i + k);
    harmonicFill(values, inside, width, height, 60, 1e-3);
    expect(
      compare(
        values,
        values.map((_, i) => ramp(i)),
      ).most,
    ).toBeLessThan(0.05);
  });
});

describe('alphaBlend', () => {
  it('equals the formula, truncated', () => {
    const picture = target.slice();
    alphaBlend(picture, 0, source, mask, 0, 0.75, W, wholeBox(W, H));
    const wrong = picture.filter((v, i) => {
      const m = mask[Math.floor(i / 3)]! * 0.75;
      const exact = m * source[i]! + (1 - m) * target[i]!;
      return v > exact + 1e-4 || v < exact - 1 - 1e-4;
    });
    expect(wrong.length).toBe(0);
  });
});
