import { describe, expect, it } from 'vitest';
import { wholeBox } from '../../../workers/image/box.js';
import { type Focus, refocus, sharpFocus, softFocus } from '../../../workers/image/refocus.js';
import { keyedGenerator } from '../../../workers/index.js';

const [WIDTH, HEIGHT] = [23, 17];
const BYTES = WIDTH * HEIGHT * 3;
const noise = keyedGenerator('refocus');
const picture = Uint8Array.from({ length: BYTES }, () => noise.integer(0, 255));
const spares = () => [new Uint8Array(BYTES), new Uint8Array(BYTES)] as const;
const mirrored = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i);

/** Pixel by pixel, rounded after each pass. */
function slowly(from: Uint8Array, { passes, share }: Focus): Uint8Array {
  let current = from;
  for (let pass = 0; pass < passes; pass++) {
    current = Uint8Array.from(current, (value, i) => {
      const [y, x, c] = [Math.floor(i / 3 / WIDTH), Math.floor(i / 3) % WIDTH, i % 3];
      let mean = 0;
      for (const dy of [-1, 0, 1])
        for (const dx of [-1, 0, 1])
          mean += current[(mirrored(y + dy, HEIGHT) * WIDTH + mirrored(x + dx, WIDTH)) * 3 + c]! / 9;
      return Math.min(255, Math.max(0, Math.round(value + share * (mean - value))));
    });
  }
  return current;
}

describe('refocus', () => {
  it.each([
    ['softer by 0.5', softFocus(0.5)],
    ['softer by 1.7', softFocus(1.7)],
    ['sharper by 0.8', sharpFocus(0.8)],
  ])('is what a slow loop makes, %s', (_, focus) => {
    const made = picture.slice();
    refocus(made, 0, WIDTH, HEIGHT, wholeBox(WIDTH, HEIGHT), focus, spares());
    const want = slowly(picture, focus);
    // Weights are multiples of 2^-16: a level near a half may round the other way.
    expect(Math.max(...made.map((value, i) => Math.abs(value - want[i]!)))).toBeLessThanOrEqual(1);
    expect(made.filter((value, i) => value !== want[i]).length).toBeLessThan(BYTES / 25);
  });

  it('changes the box alone, and inside it as if there were none; other frames stay', () => {
    const focus = softFocus(1.4);
    const two = new Uint8Array(2 * BYTES);
    two.set(picture, BYTES);
    const whole = picture.slice();
    refocus(whole, 0, WIDTH, HEIGHT, wholeBox(WIDTH, HEIGHT), focus, spares());
    const box = { x0: 4, y0: 0, x1: 15, y1: 12 };
    refocus(two, BYTES, WIDTH, HEIGHT, box, focus, spares());
    const inside = (i: number) => {
      const [y, x] = [Math.floor(i / 3 / WIDTH), Math.floor(i / 3) % WIDTH];
      return x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
    };
    expect(two.subarray(0, BYTES).every((value) => value === 0)).toBe(true);
    expect([...two.subarray(BYTES)]).toEqual([...picture].map((value, i) => (inside(i) ? whole[i]! : value)));
  });

  it.each([0.4, 1, 2, 3.1])('spreads an edge with the standard deviation that was asked for, %f', (sigma) => {
    const [width, height] = [60, 3];
    const edge = Uint8Array.from({ length: width * height * 3 }, (_, i) => (Math.floor(i / 3) % width < 30 ? 0 : 255));
    const size = edge.length;
    const buffers = [new Uint8Array(size), new Uint8Array(size)] as const;
    refocus(edge, 0, width, height, wholeBox(width, height), softFocus(sigma), buffers);
    // What the edge rises by from column to column is the kernel.
    const rises = Array.from(
      { length: width - 1 },
      (_, x) => (edge[(width + x + 1) * 3]! - edge[(width + x) * 3]!) / 255,
    );
    const mean = rises.reduce((sum, rise, x) => sum + rise * x, 0);
    const variance = rises.reduce((sum, rise, x) => sum + rise * (x - mean) ** 2, 0);
    expect(Math.sqrt(variance)).toBeGreaterThan(0.95 * sigma);
    expect(Math.sqrt(variance)).toBeLessThan(1.05 * sigma);
  });

  it('does not touch an even surface, nor anything when asked for no change', () => {
    const even = new Uint8Array(BYTES).fill(77);
    for (const focus of [softFocus(2), sharpFocus(1.2)]) {
      const made = even.slice();
      refocus(made, 0, WIDTH, HEIGHT, wholeBox(WIDTH, HEIGHT), focus, spares());
      expect(made).toEqual(even);
    }
    const same = picture.slice();
    refocus(same, 0, WIDTH, HEIGHT, wholeBox(WIDTH, HEIGHT), softFocus(0), spares());
    expect(same).toEqual(picture);
  });
});
