import { describe, expect, it } from 'vitest';
import { type PlaceGrid, warpRgb } from '../../../workers/image/warpRgb.js';
import { keyedGenerator } from '../../../workers/index.js';
import { compare } from '../reference.js';

type Size = { width: number; height: number };
const noise = ({ width, height }: Size): Uint8Array => {
  const random = keyedGenerator('warp', width, height);
  return Uint8Array.from({ length: width * height * 3 }, () => random.integer(0, 255));
};

/** Places of the nodes of a grid over a picture of that size. */
function gridOf({ width, height }: Size, columns: number, rows: number, place: (x: number, y: number) => number[]) {
  const places = new Float64Array(columns * rows * 2);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      places.set(
        place((column * (width - 1)) / (columns - 1), (row * (height - 1)) / (rows - 1)),
        (row * columns + column) * 2,
      );
  return { columns, rows, places };
}

function warped(source: Uint8Array, from: Size, to: Size, grid: PlaceGrid): Uint8Array {
  const out = new Uint8Array(to.width * to.height * 3);
  warpRgb(source, 0, from.width, from.height, out, 0, to.width, to.height, grid);
  return out;
}

/** The same from its definition: tents of width 1 about every pixel and every node. */
function slowly(source: Uint8Array, from: Size, to: Size, { columns, rows, places }: PlaceGrid): number[] {
  const tent = (distance: number) => Math.max(0, 1 - Math.abs(distance));
  const inside = (v: number, size: number) => Math.min(Math.max(v, 0), size - 1);
  return Array.from({ length: to.width * to.height * 3 }, (_, i) => {
    const [x, y, channel] = [Math.floor(i / 3) % to.width, Math.floor(i / 3 / to.width), i % 3];
    let [u, v] = [0, 0];
    for (let node = 0; node < columns * rows; node++) {
      const share =
        tent((x * (columns - 1)) / (to.width - 1) - (node % columns)) *
        tent((y * (rows - 1)) / (to.height - 1) - Math.floor(node / columns));
      u += share * places[2 * node]!;
      v += share * places[2 * node + 1]!;
    }
    let level = 0;
    for (let p = 0; p < from.width * from.height; p++)
      level +=
        tent(inside(u, from.width) - (p % from.width)) *
        tent(inside(v, from.height) - Math.floor(p / from.width)) *
        source[3 * p + channel]!;
    return level;
  });
}

describe('warpRgb', () => {
  const [small, large] = [
    { width: 9, height: 7 },
    { width: 16, height: 13 },
  ];

  it.each([
    ['to a larger picture', small, large],
    ['to a smaller one', large, small],
    ['of one pixel', { width: 1, height: 1 }, small],
  ])('equals a slow loop, %s', (_, from, to) => {
    const random = keyedGenerator('warp places', from.width);
    // Some of it from outside.
    const grid = gridOf(to, 4, 3, () => [random.between(-2, from.width + 1), random.between(-2, from.height + 1)]);
    const source = noise(from);
    const { most } = compare(warped(source, from, to, grid), slowly(source, from, to, grid));
    expect(most).toBeLessThanOrEqual(0.5 + 1e-9);
  });

  it('is the identity for a grid on its own places, and shifts by whole pixels exactly', () => {
    const source = noise(large);
    expect(
      warped(
        source,
        large,
        large,
        gridOf(large, 5, 4, (x, y) => [x, y]),
      ),
    ).toEqual(source);
    const shifted = warped(
      source,
      large,
      large,
      gridOf(large, 5, 4, (x, y) => [x + 3, y - 2]),
    );
    for (let y = 0; y < large.height; y++)
      for (let x = 0; x < large.width; x++) {
        // Beyond the border its nearest pixel goes on.
        const from = Math.max(0, y - 2) * large.width + Math.min(large.width - 1, x + 3);
        const at = y * large.width + x;
        expect(shifted.subarray(3 * at, 3 * at + 3)).toEqual(source.subarray(3 * from, 3 * from + 3));
      }
  });

  it('stretches a ramp to a ramp', () => {
    const ramp = Uint8Array.from({ length: 9 * 7 * 3 }, (_, i) => {
      const at = Math.floor(i / 3);
      return 10 + 20 * (at % 9) + 5 * Math.floor(at / 9) + (i % 3);
    });
    const grid = gridOf(large, 2, 2, (x, y) => [(x * 8) / 15, (y * 6) / 12]);
    const made = warped(ramp, small, large, grid);
    const exact = Float64Array.from(made, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 16, Math.floor(i / 3 / 16)];
      return 10 + (20 * x * 8) / 15 + (5 * y * 6) / 12 + (i % 3);
    });
    expect(compare(made, exact).most).toBeLessThanOrEqual(0.5 + 1e-9);
  });

  it('reads and writes the frames it is told, and no others', () => {
    const frames = new Uint8Array([...noise(small), ...noise(large).subarray(0, 9 * 7 * 3)]);
    const out = new Uint8Array(3 * 9 * 7 * 3).fill(7);
    const grid = gridOf(small, 3, 3, (x, y) => [x, y]);
    warpRgb(frames, 9 * 7 * 3, 9, 7, out, 9 * 7 * 3, 9, 7, grid);
    expect(out.subarray(9 * 7 * 3, 2 * 9 * 7 * 3)).toEqual(frames.subarray(9 * 7 * 3));
    expect([...out.subarray(0, 9 * 7 * 3), ...out.subarray(2 * 9 * 7 * 3)].every((level) => level === 7)).toBe(true);
  });
});
