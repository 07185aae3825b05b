import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { ClipGrid } from '../../../model/layers/clipGrid.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ContourTaps } from '../../../model/trunk/contourTaps.js';
import { slenderKernel, type TapMoves } from '../../../model/trunk/slenderKernel.js';
import { largestDifference } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { valueAndGradients } from './checkOwnOperation.js';
import { type Float64Function, float64Gradients } from './float64Gradients.js';

await startEngine();
const constants = new ConstantCache();
afterAll(() => constants.dispose());

type Along = TapMoves['along'];
type Size = ClipGrid & { taps: number; channels: number; outputs: number };

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const rowsOf = ({ batch, frames, height, width }: ClipGrid) => batch * frames * height * width;
const movesOf = (along: Along, [first, second]: tf.Tensor[]): TapMoves =>
  along === 'width'
    ? { along, rows: first! }
    : along === 'height'
      ? { along, columns: first! }
      : along === 'time'
        ? { along, rows: first!, columns: second! }
        : { along };

/** As the model calls it, on features, kernel and offsets. */
const layerOf =
  (along: Along, size: Size) =>
  (features: tf.Tensor, kernel: tf.Tensor, ...offsets: tf.Tensor[]) =>
    slenderKernel(
      features as tf.Tensor2D,
      movesOf(along, offsets),
      kernel,
      new ContourTaps(size.taps, constants),
      size,
    ) as tf.Tensor;

/** Offsets that lie in (0.1, 0.9) of their element, up to `reach` elements away, some far outside. */
function offsets(size: Size, seed: number, reach = 3): tf.Tensor {
  const { batch, frames, height, width, taps } = size;
  const shape = [batch * frames, height, width, taps];
  const values = seededValues(tf.util.sizeFromShape(shape), seed);
  return tf.tensor(
    values.map((v, i) => (i % 11 === 0 ? 1e6 * v : Math.floor(reach * v) + 0.5 + 0.4 * Math.sin(i))),
    shape,
  );
}

function operands(along: Along, size: Size, reach?: number): tf.Tensor[] {
  const passes = along === 'time' ? [3, 4] : along === 'straightTime' ? [] : [3];
  return [
    random([rowsOf(size), size.channels], 1),
    random([size.taps * size.channels, size.outputs], 2),
    ...passes.map((seed) => offsets(size, seed, reach)),
  ];
}

/** By definition, position by position and tap by tap. */
function loopOf(along: Along, size: Size): Float64Function {
  const { batch, frames, height, width, segments, taps, channels, outputs } = size;
  const clip = (index: number, length: number) => Math.min(Math.max(index, 0), length - 1);
  const run = frames / segments;
  const reach = (taps - 1) / 2;
  const between = (read: (index: number) => number, wanted: number, length: number) => {
    const position = clip(wanted, length);
    const low = Math.min(Math.floor(position), length - 2);
    return read(low) + (read(low + 1) - read(low)) * (position - low);
  };
  return (features, kernel, first, second) => {
    const y = new Float64Array(rowsOf(size) * outputs);
    const value = (image: number, h: number, w: number, tap: number, c: number) => {
      const at = (column: number) => ((image * height + h) * width + column) * taps + tap;
      const pixel = (image: number, h: number, w: number) =>
        features![((image * height + h) * width + w) * channels + c]!;
      const shift = tap - reach;
      if (along === 'width')
        return between((row) => pixel(image, row, clip(w + shift, width)), h + first![at(w)]!, height);
      if (along === 'height')
        return between((column) => pixel(image, clip(h + shift, height), column), w + first![at(w)]!, width);
      const step = image % run;
      const source = image - step + clip(step + shift, run);
      if (along === 'straightTime') return pixel(source, h, w);
      const found = (column: number) => between((row) => pixel(source, row, column), h + first![at(column)]!, height);
      return between(found, w + second![at(w)]!, width);
    };
    for (let image = 0; image < batch * frames; image++)
      for (let h = 0; h < height; h++)
        for (let w = 0; w < width; w++)
          for (let tap = 0; tap < taps; tap++)
            for (let c = 0; c < channels; c++) {
              const v = value(image, h, w, tap, c);
              const row = (image * height + h) * width + w;
              for (let o = 0; o < outputs; o++)
                y[row * outputs + o]! += v * kernel![(tap * channels + c) * outputs + o]!;
            }
    return y;
  };
}

const grid = (batch: number, frames: number, segments: number, height: number, width: number) => ({
  batch,
  frames,
  segments,
  height,
  width,
});
const sliding: Along[] = ['width', 'height', 'time'];
const axes: Along[] = [...sliding, 'straightTime'];
/** Error against the largest number of a list, or against 1. */
const error = (got: ArrayLike<number>, want: ArrayLike<number>) =>
  largestDifference(got, want) / Array.from(want).reduce((most, v) => Math.max(most, Math.abs(v)), 1);

describe.runIf(ownOperationsInUse()).each(axes)('a slender kernel along the %s as one operation', (along) => {
  const small: Size = { ...grid(1, 2, 1, 3, 2), taps: 3, channels: 3, outputs: 2 };

  test.each<Size>([
    small,
    { ...grid(1, 1, 1, 2, 2), taps: 1, channels: 1, outputs: 1 },
    { ...grid(1, 4, 2, 2, 3), taps: 3, channels: 1, outputs: 3 },
  ])('has the value and the gradients of a loop in float64, %o', (size) => {
    const inputs = operands(along, size);
    const loop = loopOf(along, size);
    const weight = random([rowsOf(size), size.outputs], 9);
    const doubles = inputs.map((input) => Float64Array.from(input.dataSync()));
    const want = [loop(...doubles), ...float64Gradients(loop, doubles, Float64Array.from(weight.dataSync()))];
    const got = valueAndGradients(layerOf(along, size), inputs, weight, true);
    expect(got.length).toBe(want.length);
    // The finite differences themselves are good to about 1e-6 of a sum.
    got.forEach((numbers, i) => {
      expect(error(numbers, want[i]!)).toBeLessThan(1e-5);
    });
  });

  test.each<Size>([
    { ...grid(2, 6, 2, 5, 7), taps: 9, channels: 17, outputs: 17 },
    { ...grid(3, 2, 1, 70, 2), taps: 5, channels: 24, outputs: 49 },
    { ...grid(1, 4, 4, 2, 70), taps: 11, channels: 8, outputs: 12 },
  ])('equals its composition, %o', (size) => {
    const inputs = operands(along, size);
    const weight = random([rowsOf(size), size.outputs], 9);
    const [own, composed] = [true, false].map((on) => valueAndGradients(layerOf(along, size), inputs, weight, on));
    own!.forEach((numbers, i) => {
      expect(error(numbers, composed![i]!)).toBeLessThan(4e-6);
    });
  });
});

describe.runIf(ownOperationsInUse()).each(sliding)('a slender kernel sliding along the %s', (along) => {
  test('at whole places takes the difference to the next element, and beyond the border none', () => {
    const size: Size = { ...grid(1, 2, 1, 4, 4), taps: 3, channels: 2, outputs: 2 };
    const [features, kernel] = operands(along, size);
    const weight = random([rowsOf(size), 2], 9);
    for (const offset of [0, 1, -1, 3, 50, -50]) {
      const moves = Array(along === 'time' ? 2 : 1)
        .fill(0)
        .map(() => tf.fill([2, 4, 4, 3], offset));
      const [own, composed] = [true, false].map((on) =>
        valueAndGradients(layerOf(along, size), [features!, kernel!, ...moves], weight, on),
      );
      own!.forEach((numbers, i) => {
        expect(error(numbers, composed![i]!)).toBeLessThan(4e-6);
      });
      const slopes = own!.slice(3).flatMap((numbers) => [...numbers]);
      expect(slopes.some((slope) => slope !== 0)).toBe(Math.abs(offset) < 50);
    }
  });

  test('a NaN among the offsets reaches what reads it and nothing else, an infinite one is at the border', () => {
    const size: Size = { ...grid(2, 1, 1, 3, 3), taps: 3, channels: 2, outputs: 2 };
    const spoil = (tensor: tf.Tensor, value: number) => {
      const values = tensor.dataSync<'float32'>().slice();
      values[0] = value;
      return tf.tensor(values, tensor.shape);
    };
    const inputs = operands(along, size, 1);
    const weight = tf.ones([18, 2]);
    for (const which of [...inputs.keys()].slice(2)) {
      const given = inputs.map((input, i) => (i === which ? spoil(input, Number.NaN) : input));
      const [y, dFeatures, dKernel, ...dOffsets] = valueAndGradients(layerOf(along, size), given, weight, true);
      expect(y![0]).toBeNaN();
      expect(dFeatures!.some(Number.isNaN)).toBe(true);
      expect(dKernel!.some(Number.isNaN)).toBe(true);
      expect(dOffsets.some((numbers) => numbers.some(Number.isNaN))).toBe(true);
      // The second clip has nothing to do with it.
      for (const numbers of [y!, dFeatures!, ...dOffsets])
        expect(numbers.slice(numbers.length / 2).some(Number.isNaN)).toBe(false);
    }
    for (const infinite of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const given = inputs.map((input, i) => (i === 2 ? spoil(input, infinite) : input));
      const far = inputs.map((input, i) => (i === 2 ? spoil(input, Math.sign(infinite) * 1e3) : input));
      expect(valueAndGradients(layerOf(along, size), given, weight, true)).toEqual(
        valueAndGradients(layerOf(along, size), far, weight, true),
      );
    }
  });

  test('refuses lines without neighbours, by the operation or by the composition', () => {
    const thin = along === 'height' ? grid(1, 1, 1, 3, 1) : grid(1, 1, 1, 1, 3);
    const size: Size = { ...thin, taps: 3, channels: 2, outputs: 2 };
    for (const own of [true, false])
      expect(() => valueAndGradients(layerOf(along, size), operands(along, size), tf.ones([3, 2]), own)).toThrow(
        'Expected lines of at least 2 elements to interpolate on but received 1',
      );
  });
});

describe.runIf(ownOperationsInUse())('StfContour', () => {
  const int = (value: number) => ({ kind: 'int', value }) as const;
  const attributes = { passes: 1, axis: 0, run: 2, height: 3, width: 4, taps: 3 };
  const run = (
    name: 'StfContour' | 'StfContourGradient',
    change: Partial<typeof attributes>,
    ...shapes: number[][]
  ) => {
    const given = Object.entries({ ...attributes, ...change }).map(([key, value]) => [key, int(value)]);
    const outputs = name === 'StfContour' ? 1 : 3;
    return ownOperation(
      name,
      Object.fromEntries(given),
      shapes.map((shape) => tf.zeros(shape)),
      outputs,
    );
  };
  const [table, kernel, offset] = [
    [48, 5],
    [15, 2],
    [4, 3, 4, 3],
  ];

  test('takes no clips', () => {
    expect(run('StfContour', {}, [0, 5], kernel!, [0, 3, 4, 3])[0]!.shape).toEqual([0, 2]);
    const [dTable, dKernel] = run('StfContourGradient', {}, [0, 2], [0, 5], kernel!, [0, 3, 4, 3]);
    expect([dTable!.shape, [...dKernel!.dataSync()]]).toEqual([[0, 5], Array(30).fill(0)]);
  });

  test('refuses what does not fit', () => {
    const forward =
      (change: Partial<typeof attributes>, ...shapes: number[][]) =>
      () =>
        run('StfContour', change, ...shapes);
    expect(run('StfContour', {}, table!, kernel!, offset!)[0]!.shape).toEqual([48, 2]);
    expect(forward({}, [47, 5], kernel!, offset!)).toThrow('Expected a table of whole runs of 2 maps of 3x4');
    expect(forward({ run: 3 }, table!, kernel!, offset!)).toThrow('Expected a table of whole runs of 3 maps of 3x4');
    expect(forward({}, [48], kernel!, offset!)).toThrow(/rank|Expected a table/);
    expect(forward({}, table!, [14, 2], offset!)).toThrow('Expected a kernel of 15 rows but received [14,2]');
    expect(forward({}, table!, kernel!, [4, 3, 4, 2])).toThrow('Expected 144 offsets but received 96');
    expect(forward({ axis: 2 }, table!, kernel!, offset!)).toThrow('but received axis 2 with 1');
    expect(forward({ axis: 3 }, table!, kernel!, offset!)).toThrow('axis 3 with none but received axis 3 with 1');
    expect(forward({ axis: 5 }, table!, kernel!, offset!)).toThrow('received axis 5');
    expect(forward({ taps: 4 }, table!, kernel!, offset!)).toThrow('Expected an odd number of taps but received 4');
    expect(forward({ height: 1 }, table!, kernel!, offset!)).toThrow('at least 2 elements');
    expect(forward({ width: 2 ** 40 }, table!, kernel!, offset!)).toThrow('Expected a map of at most');
    expect(() => run('StfContourGradient', {}, [48, 3], table!, kernel!, offset!)).toThrow(
      'Expected 96 elements for dy but received 144',
    );
  });
});
