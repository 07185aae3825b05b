import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug } from '../../../model/config/stfConfig.js';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { ClipGrid } from '../../../model/layers/clipGrid.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { DcConv3d, type TimeKernel } from '../../../model/trunk/dcConv3d.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededUniform, seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

const grid: ClipGrid = { batch: 1, frames: 4, height: 5, width: 6, segments: 2 };
const [images, height, width, channels, reduced] = [4, 5, 6, 16, 4];
const rows = images * height * width;
const x = () => tf.tensor2d(seededValues(rows * channels, 11), [rows, channels]);
const set = (variable: tf.Variable, values: ArrayLike<number>) =>
  variable.assign(tf.tensor(Float32Array.from(values), variable.shape));

function create(timeKernel: TimeKernel) {
  const scope = ParameterScope.root(seededUniform(1));
  const block = new DcConv3d(scope, channels, timeKernel, debug(), constants);
  let seed = 100;
  for (const [name, variable] of scope.parameters) {
    const scale = name.startsWith('offset') ? 0.2 : 0.4;
    if (!name.startsWith('norm'))
      set(
        variable,
        seededValues(variable.size, seed++).map((v) => scale * v),
      );
  }
  return { block, parameters: scope.parameters };
}
const zeroOffsets = (parameters: ReadonlyMap<string, tf.Variable>) => {
  for (const leaf of ['kernel', 'bias']) {
    const variable = parameters.get(`offset.${leaf}`)!;
    set(variable, new Float32Array(variable.size));
  }
};
const forward = (block: DcConv3d, input: tf.Tensor2D) =>
  tf.tidy(() => block.forward(input, grid, [undefined, undefined]));

const clip = (index: number, length: number) => Math.min(Math.max(index, 0), length - 1);
const erf = (v: number) => tf.erf(tf.scalar(v)).dataSync()[0];
const normalise = (values: number[]) => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return values.map((v) => (v - mean) / Math.sqrt(variance + 1e-6));
};

describe.each<[TimeKernel, boolean]>([
  ['straight', true],
  ['straight', false],
  ['deformable', true],
  ['deformable', false],
])('DcConv3d, %s time kernel, own operations %s', (timeKernel, own) => {
  beforeAll(() => useOwnOperations(own));
  afterAll(() => useOwnOperations(true));

  test('without offsets is three ordinary convolutions of nine taps with repeated borders', () => {
    const { block, parameters } = create(timeKernel);
    zeroOffsets(parameters);
    // The position-wise branch off, so that the contour branch stands alone.
    for (const leaf of ['kernel', 'bias'])
      set(parameters.get(`ffn2.${leaf}`)!, new Float32Array(parameters.get(`ffn2.${leaf}`)!.size));
    const value = (name: string) => parameters.get(name)!.arraySync() as number[][];
    const times = (row: number[], kernel: number[][]) =>
      kernel[0].map((_, o) => row.reduce((sum, v, i) => sum + v * kernel[i][o], 0));
    const plus = (row: number[], name: string) => {
      const bias = parameters.get(name)!.arraySync() as number[];
      return row.map((v, i) => v + bias[i]);
    };
    const input = x().arraySync();
    const u = input.map((row) => plus(times(normalise(row), value('reduce.kernel')), 'reduce.bias'));
    const at = (image: number, h: number, w: number) => u[(image * height + h) * width + w];
    const want: number[] = [];
    for (let image = 0; image < images; image++)
      for (let h = 0; h < height; h++)
        for (let w = 0; w < width; w++) {
          const line = (read: (tap: number) => number[]) => Array.from({ length: 9 }, (_, k) => read(k - 4)).flat();
          const run = image - (image % 2);
          const alongX = times(
            line((j) => at(image, h, clip(w + j, width))),
            value('tap_x.kernel'),
          );
          const alongY = times(
            line((j) => at(image, clip(h + j, height), w)),
            value('tap_y.kernel'),
          );
          const alongT = times(
            line((j) => at(run + clip(image - run + j, 2), h, w)),
            value('tap_t.kernel'),
          );
          const middle = normalise([...alongX, ...alongY, ...alongT]).map((v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));
          const branch = plus(times(middle, value('expand.kernel')), 'expand.bias');
          want.push(...branch.map((v, i) => v + input[(image * height + h) * width + w][i]));
        }
    expect(largestDifference(numbersOf(forward(block, x())), want)).toBeLessThan(2e-5);
  });

  test('flips with its input when kernels and offsets are mirrored', () => {
    const { block, parameters } = create(timeKernel);
    const flipRows = (input: tf.Tensor2D) =>
      tf.reshape(tf.reverse(tf.reshape(input, [images, height, width, channels]), 2), [rows, channels]) as tf.Tensor2D;
    const before = forward(block, x());
    // Offset groups: 0 moves taps along the width (their order turns round), 1 and 3 move along the width (sign turns).
    const groups = timeKernel === 'deformable' ? 4 : 2;
    const source = (channel: number) => {
      const [group, within] = [Math.floor(channel / 8), channel % 8];
      return { from: group === 0 ? 7 - within : channel, sign: group === 1 || group === 3 ? -1 : 1 };
    };
    const kernel = parameters.get('offset.kernel')!;
    const kernelValues = kernel.arraySync() as number[][][][];
    set(
      kernel,
      kernelValues.flatMap((row) =>
        [...row]
          .reverse()
          .flatMap((inputs) =>
            inputs.flatMap((outputs) =>
              Array.from({ length: 8 * groups }, (_, c) => source(c).sign * outputs[source(c).from]),
            ),
          ),
      ),
    );
    const bias = parameters.get('offset.bias')!;
    const biasValues = bias.arraySync() as number[];
    set(
      bias,
      biasValues.map((_, c) => source(c).sign * biasValues[source(c).from]),
    );
    const tapX = parameters.get('tap_x.kernel')!;
    const tapRows = tapX.arraySync() as number[][];
    set(tapX, Array.from({ length: 9 }, (_, k) => tapRows.slice((8 - k) * reduced, (9 - k) * reduced)).flat(2));
    const after = forward(block, flipRows(x()));
    expect(largestDifference(numbersOf(after), numbersOf(flipRows(before)))).toBeLessThan(2e-5);
    expect(largestDifference(numbersOf(forward(block, x())), numbersOf(before.clone()))).toBeGreaterThan(1e-2);
  });

  test('constant maps stay constant whatever the offsets', () => {
    const { block } = create(timeKernel);
    const row = seededValues(channels, 12);
    const flat = tf.tile(tf.tensor2d(row, [1, channels]), [rows, 1]) as tf.Tensor2D;
    const out = forward(block, flat).arraySync();
    // The offset convolution has zero borders, so offsets differ near them; a constant table hides that.
    for (const line of out) expect(largestDifference(line, out[0])).toBeLessThan(1e-5);
  });

  test('reads no frame of the other segment', () => {
    const { block } = create(timeKernel);
    const values = seededValues(rows * channels, 11);
    const half = values.length / 2;
    const changed = values.map((v, i) => (i < half ? v : -v));
    const first = (input: Float32Array) =>
      numbersOf(tf.slice(forward(block, tf.tensor2d(input, [rows, channels])), [0, 0], [rows / 2, -1]));
    expect(first(changed)).toEqual(first(values));
  });

  test('learns to move from straight kernels: offsets have a gradient at zero', () => {
    const { block, parameters } = create(timeKernel);
    zeroOffsets(parameters);
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.square(block.forward(x(), grid, [undefined, undefined]))) as tf.Scalar,
    );
    const gradient = grads[parameters.get('offset.bias')!.name].arraySync() as number[];
    for (const g of gradient) expect(Math.abs(g)).toBeGreaterThan(1e-6);
  });
});

test('a dropped branch leaves the input as it was', () => {
  const { block } = create('straight');
  const zero = tf.tensor1d([0]);
  expect(numbersOf(block.forward(x(), grid, [zero, zero]))).toEqual([...seededValues(rows * channels, 11)]);
});

test.each(['straight', 'deformable'] as const)(
  'each of its two branches has its own mask, %s time kernel',
  (kernel) => {
    const [on, off] = [tf.tensor1d([1]), tf.tensor1d([0])];
    /** A branch whose last layer is zero is as good as dropped. */
    const without = (last: 'expand' | 'ffn2') => {
      const { block, parameters } = create(kernel);
      for (const leaf of ['kernel', 'bias']) {
        const variable = parameters.get(`${last}.${leaf}`)!;
        set(variable, new Float32Array(variable.size));
      }
      return numbersOf(forward(block, x()));
    };
    const { block } = create(kernel);
    const contour = numbersOf(block.forward(x(), grid, [on, off]));
    const positions = numbersOf(block.forward(x(), grid, [off, on]));
    expect(largestDifference(contour, without('ffn2'))).toBeLessThan(1e-6);
    expect(largestDifference(positions, without('expand'))).toBeLessThan(1e-6);
    for (const branch of [contour, positions]) expect(largestDifference(branch, numbersOf(x()))).toBeGreaterThan(1e-2);
    expect(largestDifference(contour, positions)).toBeGreaterThan(1e-2);
  },
);

test('refuses widths that its reduction does not divide', () => {
  const scope = ParameterScope.root(seededUniform());
  expect(() => new DcConv3d(scope, 18, 'straight', debug(), constants)).toThrow('divisible by 4 but received 18');
});
