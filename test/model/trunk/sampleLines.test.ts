import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { ClipGrid } from '../../../model/layers/clipGrid.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ContourTaps } from '../../../model/trunk/contourTaps.js';
import { sampleLines } from '../../../model/trunk/sampleLines.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());
const taps = new ContourTaps(9, constants);

const grid: ClipGrid = { batch: 2, frames: 4, height: 5, width: 6, segments: 2 };
const [images, height, width, channels] = [8, 5, 6, 3];
const rows = images * height * width;
const features = seededValues(rows * channels, 1);
const table = () => tf.tensor2d(features, [rows, channels]);
/** Offsets up to four elements, none near a whole number: i/10 + 0.05 with i from −40 to 40. */
const offsets = (seed: number) =>
  seededValues(rows * 9, seed).map((v) => Math.round(v * 40) / 10 + (Math.round(v * 40) % 10 === 0 ? 0.05 : 0));
const asOffsets = (values: ArrayLike<number>) => tf.tensor4d(Float32Array.from(values), [images, height, width, 9]);
const clip = (index: number, length: number) => Math.min(Math.max(index, 0), length - 1);
const pixel = (image: number, h: number, w: number, c: number) =>
  features[((image * height + h) * width + w) * channels + c];
/** Linear interpolation by definition. */
const between = (read: (index: number) => number, position: number, length: number) => {
  const p = clip(position, length);
  const low = Math.floor(p);
  return p === low ? read(low) : (1 - (p - low)) * read(low) + (p - low) * read(low + 1);
};
/** All samples by loops, in the order of the result. */
const loop = (value: (image: number, h: number, w: number, tap: number, c: number, sample: number) => number) => {
  const out: number[] = [];
  let sample = 0;
  for (let image = 0; image < images; image++)
    for (let h = 0; h < height; h++)
      for (let w = 0; w < width; w++)
        for (let tap = 0; tap < 9; tap++, sample++)
          for (let c = 0; c < channels; c++) out.push(value(image, h, w, tap - 4, c, sample));
  return out;
};
/** The frame that a tap along time reads: clipped inside its run of two frames. */
const frameOf = (image: number, tap: number) => image - (image % 2) + clip((image % 2) + tap, 2);

describe('outward sums of offsets', () => {
  test('add up from the centre to each side', () => {
    const want = [
      [1, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 1, 1, 1, 1],
      [0, 0, 0, 0, 0, 0, 1, 1, 1],
      [0, 0, 0, 0, 0, 0, 0, 1, 1],
      [0, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    expect(taps.outwardSum(0, 1).arraySync()).toEqual(want);
    const second = taps.outwardSum(1, 2).arraySync();
    expect(
      second
        .slice(0, 8)
        .flat()
        .some((v) => v !== 0),
    ).toBe(false);
    expect(second.slice(8)).toEqual(want);
  });
});

describe('sampleLines against loops', () => {
  test('taps along the width sliding along the height', () => {
    const d = offsets(2);
    const want = loop((image, h, w, tap, c, i) =>
      between((row) => pixel(image, row, clip(w + tap, width), c), h + d[i], height),
    );
    const got = sampleLines(table(), asOffsets(d), taps.slidingRows(grid));
    expect(got.shape).toEqual([rows * 9, channels]);
    expect(largestDifference(numbersOf(got), want)).toBeLessThan(1e-5);
  });

  test('taps along the height sliding along the width', () => {
    const d = offsets(3);
    const want = loop((image, h, w, tap, c, i) =>
      between((column) => pixel(image, clip(h + tap, height), column, c), w + d[i], width),
    );
    const got = numbersOf(sampleLines(table(), asOffsets(d), taps.slidingColumns(grid)));
    expect(largestDifference(got, want)).toBeLessThan(1e-5);
  });

  test('taps along time, rows and then columns, each tap for its own position', () => {
    const [dRow, dColumn] = [offsets(4), offsets(5)];
    const first = (image: number, h: number, w: number, tap: number, c: number) => {
      const i = ((image * height + h) * width + w) * 9 + tap + 4;
      return between((row) => pixel(frameOf(image, tap), row, w, c), h + dRow[i], height);
    };
    const want = loop((image, h, w, tap, c, i) =>
      between((column) => first(image, h, column, tap, c), w + dColumn[i], width),
    );
    const found = sampleLines(table(), asOffsets(dRow), taps.slidingRowsThroughTime(grid));
    const got = sampleLines(found, asOffsets(dColumn), taps.slidingColumnsOfTaps(grid));
    expect(largestDifference(numbersOf(got), want)).toBeLessThan(1e-5);
  });

  test('offsets beyond the border read the border', () => {
    const far = sampleLines(table(), asOffsets(Array(rows * 9).fill(50)), taps.slidingRows(grid));
    const want = loop((image, _h, w, tap, c) => pixel(image, height - 1, clip(w + tap, width), c));
    expect(largestDifference(numbersOf(far), want)).toBeLessThan(1e-6);
  });

  test('a whole step on the right taps is a plain shift', () => {
    const d = Array.from({ length: rows * 9 }, (_, i) => (i % 9 > 4 ? 1 : 0));
    const want = loop((image, h, w, tap, c) =>
      pixel(image, clip(h + (tap > 0 ? 1 : 0), height), clip(w + tap, width), c),
    );
    expect(numbersOf(sampleLines(table(), asOffsets(d), taps.slidingRows(grid)))).toEqual(want.map(Math.fround));
  });

  test('a constant map stays constant whatever the offsets', () => {
    const got = sampleLines(tf.fill([rows, channels], 3.5), asOffsets(offsets(6)), taps.slidingRows(grid));
    expect(largestDifference(numbersOf(got), Array(rows * 9 * channels).fill(3.5))).toBeLessThan(1e-6);
  });
});

describe('derivatives of sampleLines', () => {
  const small: ClipGrid = { batch: 1, frames: 2, height: 3, width: 4, segments: 1 };
  const three = new ContourTaps(3, constants);
  const smallTable = () => tf.tensor2d(seededValues(24 * 2, 7), [24, 2]);
  const smallOffsets = () =>
    tf.tensor4d(
      seededValues(72, 8).map((v) => Math.floor(3 * v) + 0.3 + 0.4 * Math.abs(v)),
      [2, 3, 4, 3],
    );
  const weight = () => tf.tensor2d(seededValues(144, 9), [72, 2]);

  test.each(['slidingRows', 'slidingColumns', 'slidingRowsThroughTime'] as const)(
    '%s: equal finite differences away from whole positions',
    (lines) => {
      const f = (x: tf.Tensor, d: tf.Tensor) => sampleLines(x as tf.Tensor2D, d, three[lines](small));
      const errors = gradientErrors(f as never, [smallTable(), smallOffsets()], weight());
      for (const error of errors) expect(error).toBeLessThan(1e-3);
    },
  );

  test('at zero offsets: the difference to the next element, at the last one to the one before', () => {
    const x = smallTable();
    const gradient = tf.grad((d) => tf.sum(sampleLines(x, d, three.slidingRows(small))))(tf.zeros([2, 3, 4, 3]));
    const values = x.arraySync();
    const got = gradient.arraySync() as number[][][][];
    for (let image = 0; image < 2; image++)
      for (let h = 0; h < 3; h++)
        for (let w = 0; w < 4; w++)
          for (let tap = 0; tap < 3; tap++) {
            const column = clip(w + tap - 1, 4);
            const low = Math.min(h, 1);
            const row = (k: number) => values[(image * 3 + k) * 4 + column];
            const want = row(low + 1)[0] - row(low)[0] + row(low + 1)[1] - row(low)[1];
            expect(got[image][h][w][tap]).toBeCloseTo(want, 5);
          }
  });

  test('beyond the border an offset has no influence', () => {
    const x = smallTable();
    const gradient = tf.grad((d) => tf.sum(sampleLines(x, d, three.slidingRows(small))))(tf.fill([2, 3, 4, 3], 9));
    expect(largestDifference(numbersOf(gradient), Array(72).fill(0))).toBe(0);
  });

  test('refuses lines without neighbours', () => {
    const thin: ClipGrid = { batch: 1, frames: 1, height: 1, width: 4, segments: 1 };
    expect(() => sampleLines(tf.zeros([4, 2]), tf.zeros([1, 1, 4, 3]), three.slidingRows(thin))).toThrow(
      'Expected lines of at least 2 elements',
    );
  });
});
