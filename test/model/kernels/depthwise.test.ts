import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { depthwise } from '../../../model/layers/depthwise.js';
import { largestDifference } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { valueAndGradients } from './checkOwnOperation.js';
import { float64Gradients } from './float64Gradients.js';

await startEngine();
const whereOwn = describe.runIf(ownOperationsInUse());

type Size = { images: number; height: number; width: number; channels: number; edge: number; stride: 1 | 2 };

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const outputOf = ({ images, height, width, channels, stride }: Size) => [
  images,
  Math.ceil(height / stride),
  Math.ceil(width / stride),
  channels,
];
const operands = (size: Size) => [
  random([size.images, size.height, size.width, size.channels], 1).mul(2),
  random([size.edge, size.edge, size.channels, 1], 2),
  random([size.channels], 3).add(0.5),
];
const layerOf =
  ({ stride }: Size, activation?: 'relu6') =>
  (x: tf.Tensor, kernel: tf.Tensor, shift: tf.Tensor) =>
    depthwise(x as tf.Tensor4D, kernel as tf.Tensor4D, shift as tf.Tensor1D, stride, activation) as tf.Tensor;

/** Tap by tap, in float64. */
const loopOf =
  (size: Size, clipped: boolean) =>
  (x: Float64Array, kernel: Float64Array, shift: Float64Array): Float64Array => {
    const { height, width, channels, edge, stride } = size;
    const [images, rows, columns] = outputOf(size) as [number, number, number, number];
    // TensorFlow's `same`: where the zeros cannot be shared out evenly, there are more behind than before.
    const before = (inputs: number, outputs: number) => Math.floor(((outputs - 1) * stride + edge - inputs) / 2);
    const [above, left] = [before(height, rows), before(width, columns)];
    const y = new Float64Array(images * rows * columns * channels);
    for (let at = 0; at < y.length; at++) {
      const c = at % channels;
      const pixel = (at - c) / channels;
      const ox = pixel % columns;
      const oy = Math.floor(pixel / columns) % rows;
      const image = Math.floor(pixel / columns / rows);
      let sum = shift[c]!;
      for (let ky = 0; ky < edge; ky++) {
        for (let kx = 0; kx < edge; kx++) {
          const [iy, ix] = [oy * stride + ky - above, ox * stride + kx - left];
          if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
          sum += x[((image * height + iy) * width + ix) * channels + c]! * kernel[(ky * edge + kx) * channels + c]!;
        }
      }
      y[at] = clipped ? Math.min(Math.max(sum, 0), 6) : sum;
    }
    return y;
  };

const sizes: [number, number, number, number, number, 1 | 2][] = [
  [1, 1, 1, 1, 3, 1],
  [1, 1, 1, 1, 7, 2],
  [2, 3, 4, 3, 3, 1],
  [2, 4, 3, 3, 3, 2],
  [1, 5, 5, 17, 3, 2],
  [3, 2, 6, 5, 5, 1],
  [1, 7, 4, 33, 5, 2],
  [2, 1, 3, 2, 5, 2],
  [2, 6, 5, 3, 7, 1],
  [1, 4, 9, 2, 7, 2],
];

whereOwn('depthwise convolution', () => {
  describe.each(sizes)('of %i images of %i×%i, %i channels, edge %i, stride %i', (...numbers) => {
    const [images, height, width, channels, edge, stride] = numbers;
    const size = { images, height, width, channels, edge, stride };

    test.each([
      ['by itself', undefined],
      ['followed by ReLU6', 'relu6'],
    ] as const)('equals its composition and a loop, %s', (_, activation) => {
      const inputs = operands(size);
      const layer = layerOf(size, activation) as never;
      const weight = random(outputOf(size), 77);
      const [got, composed] = [true, false].map((own) => valueAndGradients(layer, inputs, weight, own));
      const doubles = inputs.map((input) => Float64Array.from(input.dataSync()));
      const loop = loopOf(size, activation === 'relu6');
      const want = [loop(...(doubles as [Float64Array, Float64Array, Float64Array]))];
      want.push(...float64Gradients(loop as never, doubles, Float64Array.from(weight.dataSync())));
      got!.forEach((numbers, i) => {
        const scale = want[i]!.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
        expect(largestDifference(numbers, want[i]!) / scale).toBeLessThan(4e-6);
        expect(largestDifference(numbers, composed![i]!) / scale).toBeLessThan(4e-6);
      });
    });
  });

  test.each([1, 2] as const)('equals its composition on maps larger than the near caches, stride %i', (stride) => {
    const size: Size = { images: 2, height: 21, width: 29, channels: 260, edge: 5, stride };
    const weight = random(outputOf(size), 77);
    const run = (own: boolean) => valueAndGradients(layerOf(size, 'relu6') as never, operands(size), weight, own);
    const [got, want] = [run(true), run(false)];
    got.forEach((numbers, i) => {
      const scale = want[i]!.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
      expect(largestDifference(numbers, want[i]!) / scale).toBeLessThan(1e-5);
    });
  });

  test('without a shift adds nothing', () => {
    const size: Size = { images: 2, height: 3, width: 4, channels: 5, edge: 3, stride: 2 };
    const [x, kernel] = operands(size) as [tf.Tensor4D, tf.Tensor4D];
    const bare = ((x: tf.Tensor4D, kernel: tf.Tensor4D) => depthwise(x, kernel, undefined, 2)) as never;
    const weight = random(outputOf(size), 77);
    const [got, want] = [true, false].map((own) => valueAndGradients(bare, [x, kernel], weight, own));
    got!.forEach((numbers, i) => {
      expect(largestDifference(numbers, want![i]!)).toBeLessThan(1e-5);
    });
  });

  test('leaves kernels of other edges to the composition', () => {
    const [x, kernel] = [random([1, 5, 5, 3], 1), random([1, 2, 3, 1], 2)] as [tf.Tensor4D, tf.Tensor4D];
    const want = tf.depthwiseConv2d(x, kernel, 1, 'same').dataSync();
    expect(largestDifference(depthwise(x, kernel, undefined, 1).dataSync(), want)).toBeLessThan(1e-6);
  });

  test('holds NaN to the image and channel that it came from, as the composition does', () => {
    const size: Size = { images: 2, height: 5, width: 6, channels: 19, edge: 3, stride: 1 };
    const [x, kernel, shift] = operands(size) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const values = x.dataSync().slice();
    values[(2 * 6 + 3) * 19 + 18] = Number.NaN;
    const bad = tf.tensor(values, x.shape);
    for (const activation of [undefined, 'relu6'] as const) {
      const inputs = [bad, kernel, shift];
      const [got, want] = [true, false].map((own) =>
        valueAndGradients(layerOf(size, activation) as never, inputs, random(outputOf(size), 77), own).map((numbers) =>
          Array.from(numbers, Number.isNaN),
        ),
      );
      expect(got![0]!.filter(Boolean)).toHaveLength(9);
      expect(got).toEqual(want);
    }
  });

  const attributes = (stride: number, clipped = true) => ({
    stride: { kind: 'int', value: stride } as const,
    clipped: { kind: 'bool', value: clipped } as const,
  });
  const zeros = (shape: number[]) => tf.zeros(shape);
  const forward = (stride: number, ...shapes: number[][]) =>
    ownOperation('StfDepthwise', attributes(stride), shapes.map(zeros), 1);
  const gradient = (stride: number, ...shapes: number[][]) =>
    ownOperation('StfDepthwiseGradient', attributes(stride), shapes.map(zeros), 3);

  test('takes no images, no pixels and no channels', () => {
    for (const [x, y] of [
      [
        [0, 3, 4, 5],
        [0, 2, 2, 5],
      ],
      [
        [2, 0, 4, 5],
        [2, 0, 2, 5],
      ],
      [
        [2, 3, 4, 0],
        [2, 2, 2, 0],
      ],
    ] as const) {
      const channels = x[3];
      expect(forward(2, [...x], [3, 3, channels, 1], [channels])[0]!.shape).toEqual(y);
      const [dx, dKernel, dShift] = gradient(2, [...y], [...y], [...x], [3, 3, channels, 1]);
      expect(dx!.shape).toEqual(x);
      expect([...dKernel!.dataSync()]).toEqual(Array(9 * channels).fill(0));
      expect([...dShift!.dataSync()]).toEqual(Array(channels).fill(0));
    }
  });

  test('refuses operands that do not fit', () => {
    const [image, small] = [
      [1, 4, 4, 2],
      [1, 2, 2, 2],
    ];
    const expected = 'Expected images and a depthwise kernel of edge 3, 5 or 7 and stride 1 or 2 but received';
    for (const kernel of [
      [4, 4, 2, 1],
      [3, 5, 2, 1],
      [3, 3, 3, 1],
      [3, 3, 2, 2],
      [3, 3, 2],
    ]) {
      expect(() => forward(1, image!, kernel, [2])).toThrow(expected);
    }
    expect(() => forward(3, image!, [3, 3, 2, 1], [2])).toThrow(expected);
    expect(() => forward(0, image!, [3, 3, 2, 1], [2])).toThrow('Expected');
    expect(() => forward(1, [4, 4, 2], [3, 3, 2, 1], [2])).toThrow(expected);
    expect(() => forward(1, image!, [3, 3, 2, 1], [3])).toThrow('Expected 2 elements for shift but received 3');
    expect(() => gradient(2, image!, small!, image!, [3, 3, 2, 1])).toThrow('Expected dy and y of shape [1,2,2,2]');
    expect(() => gradient(2, small!, image!, image!, [3, 3, 2, 1])).toThrow('Expected dy and y of shape [1,2,2,2]');
  });
});
