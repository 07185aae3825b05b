import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startWasmEngine } from '../../../model/engine/startWasmEngine.js';

/**
 * Every operation that the model and its training use, with its gradients, on the wasm engine against TensorFlow.js'
 * plain JavaScript backend, which shares no kernel with it.
 */
type Case = {
  /** Shapes of the float inputs, written 2×3; gradients are taken with respect to all of them. */
  shapes: string[];
  run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Inputs are drawn from −1…1 unless moved: `positive` gives 0.2…2.2. */
  range?: 'signed' | 'positive';
  /** TensorFlow.js has no gradient for this on any backend (or a wrong one): compare values only. */
  valueOnly?: true;
  /** What it means, in other operations, where the plain JavaScript backend is wrong itself. */
  reference?: (...inputs: tf.Tensor[]) => tf.Tensor;
};

const t4 = (x: tf.Tensor) => x as tf.Tensor4D;
const mask = (...shape: number[]) => tf.greater(wave(shape, 5, 'signed'), 0);
const indices = [2, 0, 2, 1, 2];

const elementwise: Record<string, Case> = {
  exp: { shapes: ['2×3'], run: (x) => tf.exp(x!) },
  log: { shapes: ['2×3'], run: (x) => tf.log(x!), range: 'positive' },
  log1p: { shapes: ['2×3'], run: (x) => tf.log1p(x!), range: 'positive' },
  expm1: { shapes: ['2×3'], run: (x) => tf.expm1(x!) },
  sqrt: { shapes: ['2×3'], run: (x) => tf.sqrt(x!), range: 'positive' },
  rsqrt: { shapes: ['2×3'], run: (x) => tf.rsqrt(x!), range: 'positive' },
  square: { shapes: ['2×3'], run: (x) => tf.square(x!) },
  abs: { shapes: ['2×3'], run: (x) => tf.abs(x!) },
  neg: { shapes: ['2×3'], run: (x) => tf.neg(x!) },
  reciprocal: { shapes: ['2×3'], run: (x) => tf.reciprocal(x!), range: 'positive' },
  sin: { shapes: ['2×3'], run: (x) => tf.sin(x!) },
  cos: { shapes: ['2×3'], run: (x) => tf.cos(x!) },
  tanh: { shapes: ['2×3'], run: (x) => tf.tanh(x!) },
  sigmoid: { shapes: ['2×3'], run: (x) => tf.sigmoid(x!) },
  softplus: { shapes: ['2×3'], run: (x) => tf.softplus(x!) },
  erf: { shapes: ['2×3'], run: (x) => tf.erf(x!) },
  relu: { shapes: ['2×3'], run: (x) => tf.relu(x!) },
  leakyRelu: { shapes: ['2×3'], run: (x) => tf.leakyRelu(x!) },
  elu: { shapes: ['2×3'], run: (x) => tf.elu(x!) },
  floor: { shapes: ['2×3'], run: (x) => tf.add(x!, tf.floor(tf.mul(x!, 3))) },
  round: { shapes: ['2×3'], run: (x) => tf.add(x!, tf.round(tf.mul(x!, 3))) },
  sign: { shapes: ['2×3'], run: (x) => tf.mul(x!, tf.sign(x!)) },
  clip: { shapes: ['3×5'], run: (x) => tf.clipByValue(x!, -0.4, 0.3) },
  'power with a scalar': { shapes: ['2×3'], run: (x) => tf.pow(x!, 3), range: 'positive' },
  'power of two tensors': { shapes: ['2×3', '3'], run: (x, y) => tf.pow(x!, y!), range: 'positive' },
  'add, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    run: (x, y) => tf.add(x!, y!),
  },
  'sub, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    run: (x, y) => tf.sub(x!, y!),
  },
  'mul, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    run: (x, y) => tf.mul(x!, y!),
  },
  'mul, rank 6': {
    shapes: ['2×1×3×1×2×2', '4×1×3×1×2'],
    run: (x, y) => tf.mul(x!, y!),
  },
  'div, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    run: (x, y) => tf.div(x!, y!),
    range: 'positive',
  },
  'maximum, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    valueOnly: true,
    run: (x, y) => tf.maximum(x!, y!),
  },
  'minimum, broadcast both ways': {
    shapes: ['2×1×3', '4×1'],
    valueOnly: true,
    run: (x, y) => tf.minimum(x!, y!),
  },
  'squared difference': { shapes: ['2×3', '3'], valueOnly: true, run: (x, y) => tf.squaredDifference(x!, y!) },
  where: {
    shapes: ['3×4', '3×4'],
    run: (x, y) => tf.where(mask(3, 4), x!, tf.mul(y!, 2)),
  },
  'where, broadcast': {
    shapes: ['3×1×4', '2×1'],
    run: (x, y) => tf.where(mask(2, 4), x!, y!),
  },
  'cast to integer and back': {
    shapes: ['2×3'],
    run: (x) => tf.mul(x!, tf.cast(tf.cast(tf.mul(x!, 9), 'int32'), 'float32')),
  },
  'cast of a comparison': { shapes: ['2×3'], run: (x) => tf.mul(x!, tf.cast(tf.greaterEqual(x!, 0), 'float32')) },
  'logical operations': {
    shapes: ['2×3'],
    valueOnly: true,
    run: (x) => tf.mul(x!, tf.cast(tf.logicalAnd(tf.logicalNot(tf.isNaN(x!)), tf.isFinite(x!)), 'float32')),
  },
};

const reductions: Record<string, Case> = {
  sum: { shapes: ['2×3×4'], run: (x) => tf.sum(x!, [0, 2]) },
  'sum of all': { shapes: ['2×3×4'], run: (x) => tf.sum(x!) },
  'mean, axes kept': { shapes: ['2×3×4×5'], run: (x) => tf.mean(x!, [1, 2], true) },
  'max over an inner axis': { shapes: ['2×3×4'], run: (x) => tf.max(x!, 1) },
  'min over the last axis': { shapes: ['2×3×4'], run: (x) => tf.min(x!, -1) },
  prod: { shapes: ['2×3'], run: (x) => tf.prod(x!, 1), range: 'positive' },
  'moments, as LayerNorm takes them': {
    shapes: ['3×7'],
    run: (x) => {
      const { mean, variance } = tf.moments(x!, -1, true);
      return tf.mul(tf.sub(x!, mean), tf.rsqrt(tf.add(variance, 1e-6)));
    },
  },
  'euclidean norm': { shapes: ['3×7'], run: (x) => tf.norm(x!, 'euclidean', 1) },
  softmax: { shapes: ['2×3×5'], run: (x) => tf.softmax(x!) },
  logSoftmax: { shapes: ['4×2'], run: (x) => tf.logSoftmax(x!) },
  logSumExp: { shapes: ['2×3×5'], run: (x) => tf.logSumExp(x!, -1) },
  'logSumExp of everything': { shapes: ['2×3'], run: (x) => tf.logSumExp(x!) },
  cumsum: { shapes: ['2×5×3'], valueOnly: true, run: (x) => tf.cumsum(x!, 1) },
  'cumsum, exclusive and reversed': { shapes: ['2×5'], run: (x) => tf.cumsum(x!, 1, true, true) },
};

const layout: Record<string, Case> = {
  reshape: { shapes: ['2×3×4'], run: (x) => tf.reshape(x!, [6, 4]) },
  'transpose, rank 3': { shapes: ['2×3×4'], run: (x) => tf.transpose(x!, [2, 0, 1]) },
  'transpose, rank 6': { shapes: ['2×3×1×2×3×2'], run: (x) => tf.transpose(x!, [0, 3, 1, 4, 2, 5]) },
  'transpose, rank 8': { shapes: ['2×1×3×2×1×2×3×2'], run: (x) => tf.transpose(x!, [0, 7, 3, 1, 4, 2, 5, 6]) },
  'concat on the last axis': {
    shapes: ['2×3', '2×5'],
    run: (x, y) => tf.concat([x!, y!], -1),
  },
  'concat in the middle': {
    shapes: ['2×3×2', '2×1×2'],
    run: (x, y) => tf.concat([x!, y!], 1),
  },
  stack: {
    shapes: ['2×3', '2×3'],
    run: (x, y) => tf.stack([x!, y!], 1),
  },
  unstack: { shapes: ['3×4'], run: (x) => tf.unstack(x!, 0).reduce((sum, row) => tf.mul(sum, row)) },
  split: {
    shapes: ['2×5×3'],
    run: (x) => tf.mul(...(tf.split(x!, [2, 3], 1).map((p) => tf.sum(p, 1)) as [tf.Tensor, tf.Tensor])),
  },
  'slice, rank 4': { shapes: ['2×5×4×3'], run: (x) => tf.slice(x!, [0, 1, 2, 0], [2, 3, 1, 2]) },
  'slice, rank 5': { shapes: ['2×3×4×3×2'], run: (x) => tf.slice(x!, [0, 1, 2, 0, 1], [2, 2, 1, 2, 1]) },
  'slice, rank 6': { shapes: ['2×3×2×2×3×2'], run: (x) => tf.slice(x!, [0, 1, 0, 0, 1, 0], [2, 2, 2, 1, 2, 2]) },
  'strided slice': {
    shapes: ['2×6×5×3'],
    valueOnly: true,
    run: (x) => tf.stridedSlice(x!, [0, 1, 0, 0], [2, 6, 5, 3], [1, 2, 2, 1]),
  },
  'pad, rank 1': { shapes: ['5'], run: (x) => tf.pad(x!, [[2, 1]]) },
  'pad, rank 5': {
    shapes: ['2×3×2×2×2'],
    run: (x) =>
      tf.pad(x!, [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
        [2, 0],
      ]),
  },
  'pad with a value': {
    shapes: ['2×3'],
    run: (x) =>
      tf.pad(
        x!,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
  },
  'mirror pad': {
    shapes: ['1×4×5×2'],
    run: (x) =>
      tf.mirrorPad(
        x!,
        [
          [0, 0],
          [2, 1],
          [1, 2],
          [0, 0],
        ],
        'reflect',
      ),
  },
  'reverse one axis': { shapes: ['2×5×3'], run: (x) => tf.reverse(x!, 1) },
  'reverse two axes, rank 5': { shapes: ['2×2×3×2×2'], run: (x) => tf.reverse(x!, [1, 2]) },
  tile: { shapes: ['2×1×3'], run: (x) => tf.tile(x!, [1, 4, 2]) },
  broadcastTo: { shapes: ['2×1×3'], run: (x) => tf.broadcastTo(x!, [2, 4, 3]) },
  'gather rows': { shapes: ['3×4'], run: (x) => tf.gather(x!, tf.tensor1d(indices, 'int32'), 0) },
  'gather columns': { shapes: ['2×3×4'], run: (x) => tf.gather(x!, tf.tensor1d(indices, 'int32'), 1) },
  'gather by a matrix of places': {
    shapes: ['3×2'],
    run: (x) => tf.gather(x!, tf.tensor2d([0, 2, 2, 2], [2, 2], 'int32'), 0),
  },
  oneHot: { shapes: ['5×3'], run: (x) => tf.mul(x!, tf.oneHot(tf.tensor1d(indices, 'int32'), 3)) },
  'resize bilinear': { shapes: ['1×4×5×2'], valueOnly: true, run: (x) => tf.image.resizeBilinear(t4(x!), [7, 8]) },
};

const products: Record<string, Case> = {
  matMul: {
    shapes: ['3×5', '5×4'],
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, first transposed': {
    shapes: ['5×3', '5×4'],
    run: (x, y) => tf.matMul(x!, y!, true),
  },
  'matMul, second transposed': {
    shapes: ['3×5', '4×5'],
    run: (x, y) => tf.matMul(x!, y!, false, true),
  },
  'matMul, both transposed': {
    shapes: ['5×3', '4×5'],
    run: (x, y) => tf.matMul(x!, y!, true, true),
  },
  'matMul, batches': {
    shapes: ['2×3×4×5', '2×3×5×2'],
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, batches, second transposed': {
    shapes: ['2×3×4×5', '2×3×6×5'],
    run: (x, y) => tf.matMul(x!, y!, false, true),
  },
  'matMul, batch times one': {
    shapes: ['4×3×5', '1×5×2'],
    valueOnly: true,
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, batch times matrix': {
    shapes: ['4×3×5', '5×2'],
    valueOnly: true,
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, one times batch': {
    shapes: ['1×3×5', '4×5×2'],
    valueOnly: true,
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, batches broadcast both ways': {
    shapes: ['2×1×3×5', '1×3×5×2'],
    valueOnly: true,
    reference: (x, y) => tf.matMul(tf.tile(x!, [1, 3, 1, 1]), tf.tile(y!, [2, 1, 1, 1])),
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, inner batch broadcast': {
    shapes: ['2×3×3×5', '3×5×2'],
    valueOnly: true,
    reference: (x, y) => tf.matMul(x!, tf.tile(tf.expandDims(y!), [2, 1, 1, 1])),
    run: (x, y) => tf.matMul(x!, y!),
  },
  'matMul, outer batch broadcast': {
    shapes: ['2×3×3×5', '2×1×5×2'],
    valueOnly: true,
    reference: (x, y) => tf.matMul(x!, tf.tile(y!, [1, 3, 1, 1])),
    run: (x, y) => tf.matMul(x!, y!),
  },
  dot: { shapes: ['5', '5'], run: (x, y) => tf.dot(x!, y!) },
};

const convolutions: Record<string, Case> = {};
for (const [size, kernel, stride, pad] of [
  [7, 3, 1, 'same'],
  [8, 4, 4, 'valid'],
  [9, 2, 2, 'valid'],
  [7, 3, 2, 'same'],
  [6, 1, 1, 'valid'],
  [6, 5, 3, 2],
  [7, 1, 2, 'same'],
] as const) {
  const name = `${size}×${size - 1}, filter ${kernel}×${kernel}, stride ${stride}, padding ${pad}`;
  const width = Math.max(size - 1, kernel);
  convolutions[`conv2d ${name}`] = {
    shapes: [`2×${size}×${width}×3`, `${kernel}×${kernel}×3×4`],
    run: (x, w) => tf.conv2d(t4(x!), t4(w!), stride, pad),
  };
  convolutions[`depthwise ${name}`] = {
    shapes: [`2×${size}×${width}×3`, `${kernel}×${kernel}×3×1`],
    run: (x, w) => tf.depthwiseConv2d(t4(x!), t4(w!), stride, pad),
  };
  convolutions[`depthwise, 2 outputs a channel, ${name}`] = {
    shapes: [`2×${size}×${width}×3`, `${kernel}×${kernel}×3×2`],
    run: (x, w) => tf.depthwiseConv2d(t4(x!), t4(w!), stride, pad),
  };
}
Object.assign(convolutions, {
  'conv2d, uneven filter and stride': {
    shapes: ['1×7×9×2', '3×2×2×5'],
    run: (x, w) => tf.conv2d(t4(x!), t4(w!), [2, 1], 'same'),
  },
  'conv2d, explicit padding': {
    shapes: ['1×5×6×2', '3×3×2×2'],
    run: (x, w) =>
      tf.conv2d(t4(x!), t4(w!), 1, [
        [0, 0],
        [2, 0],
        [1, 1],
        [0, 0],
      ]),
  },
  'depthwise 7×7': {
    shapes: ['2×9×8×5', '7×7×5×1'],
    run: (x, w) => tf.depthwiseConv2d(t4(x!), t4(w!), 1, 'same'),
  },
  'depthwise, dilated': {
    shapes: ['1×9×8×2', '3×3×2×1'],
    valueOnly: true,
    run: (x, w) => tf.depthwiseConv2d(t4(x!), t4(w!), 1, 'same', 'NHWC', 2),
  },
  'conv1d, causal by padding': {
    shapes: ['2×6×3', '4×3×5'],
    run: (x, w) =>
      tf.conv1d(
        tf.pad(x as tf.Tensor3D, [
          [0, 0],
          [3, 0],
          [0, 0],
        ]),
        w as tf.Tensor3D,
        1,
        'valid',
      ),
  },
  avgPool: { shapes: ['2×6×7×3'], run: (x) => tf.avgPool(t4(x!), 2, 2, 'valid') },
  'avgPool, same': { shapes: ['2×5×7×3'], reference: averageInside, run: (x) => tf.avgPool(t4(x!), 3, 2, 'same') },
} satisfies Record<string, Case>);

/** 3×3 average pooling, stride 2, 'same' on 5×7: sums of shifted slices over the count of values inside the window. */
function averageInside(x: tf.Tensor): tf.Tensor {
  const sums = (v: tf.Tensor) => {
    const padded = tf.pad(v, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    const [batch, , , channels] = v.shape as [number, number, number, number];
    const rows = tf.addN([0, 1, 2].map((i) => tf.gather(padded, tf.tensor1d([i, i + 2, i + 4], 'int32'), 1)));
    const columns = [0, 1, 2].map((j) => tf.gather(rows, tf.tensor1d([j, j + 2, j + 4, j + 6], 'int32'), 2));
    return tf.reshape(tf.addN(columns), [batch, 3, 4, channels]);
  };
  return tf.div(sums(x), sums(tf.onesLike(x)));
}

beforeAll(async () => {
  await startWasmEngine();
});

describe.each([
  ['element-wise', elementwise],
  ['reductions', reductions],
  ['layout', layout],
  ['products', products],
  ['convolutions', convolutions],
] as [string, Record<string, Case>][])('wasm engine, %s', (_, cases) => {
  it.each(Object.entries(cases))('%s: value and gradients', async (_name, spec) => {
    const expected = await evaluate('cpu', { ...spec, run: spec.reference ?? spec.run });
    const received = await evaluate('wasm', spec);
    expect(received.shapes).toEqual(expected.shapes);
    for (const [i, values] of expected.values.entries()) {
      expect(maxDifference(received.values[i]!, values), i === 0 ? 'value' : `gradient ${i}`).toBeLessThan(2e-5);
    }
  });
});

describe('wasm engine, limits', () => {
  it.each([
    ['MaxPoolGrad', '1×5×5×2', (x: tf.Tensor) => tf.maxPool(t4(x), 2, 2, 'valid')],
    ['ResizeBilinearGrad', '1×4×5×2', (x: tf.Tensor) => tf.image.resizeBilinear(t4(x), [7, 8])],
    [
      'Conv3DBackpropInputV2',
      '1×3×3×3×2',
      (x: tf.Tensor) => tf.conv3d(x as tf.Tensor5D, tf.ones([2, 2, 2, 2, 1]), 1, 'same'),
    ],
  ] as const)('refuses %s, which the backend computes wrongly', async (kernel, shape, run) => {
    await tf.setBackend('wasm');
    const x = tf.ones(shape.split('×').map(Number));
    expect(() => tf.grad((v) => tf.sum(run(v)))(x)).toThrow(`${kernel} gives wrong gradients on the wasm engine`);
  });

  it('refuses arithmetic on more than six axes that broadcasts', async () => {
    await tf.setBackend('wasm');
    expect(() => tf.add(tf.ones([2, 1, 2, 1, 2, 1, 2]), tf.ones([2, 2, 2, 1, 2, 1, 2]))).toThrow('at most 6 axes');
  });

  it('leaves no tensors behind', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([1, 6, 6, 2]) as tf.Tensor4D;
    const w = tf.ones([3, 3, 2, 2]) as tf.Tensor4D;
    const step = () =>
      tf.dispose(
        tf.grads((v, f) => tf.sum(tf.depthwiseConv2d(tf.conv2d(t4(v), t4(f), 2, 'same'), t4(f), 1, 'same')))([x, w]),
      );
    step();
    const before = tf.memory();
    step();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('drops segment ids out of range', async () => {
    await tf.setBackend('wasm');
    const sums = tf.unsortedSegmentSum(
      tf.tensor2d([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
      tf.tensor1d([1, -1, 1, 3], 'int32'),
      3,
    );
    expect(sums.arraySync()).toEqual([
      [0, 0],
      [6, 8],
      [0, 0],
    ]);
  });
});

/** The value and the gradients of Σ value·weights, the weights all different. */
async function evaluate(backend: string, spec: Case): Promise<{ shapes: number[][]; values: Float32Array[] }> {
  await tf.setBackend(backend);
  const inputs = spec.shapes.map((shape, i) => wave(shape.split('×').map(Number), i + 1, spec.range ?? 'signed'));
  const value = spec.run(...inputs);
  const weights = wave(value.shape, 9, 'signed');
  const gradients = spec.valueOnly
    ? []
    : tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(spec.run(...x), weights)))(inputs);
  const results = [value, ...gradients];
  const out = { shapes: results.map((r) => r.shape), values: results.map((r) => r.dataSync() as Float32Array) };
  tf.dispose([results, inputs, weights]);
  return out;
}

/** Values without pattern or repetition, the same on every backend. */
function wave(shape: number[], seed: number, range: 'signed' | 'positive'): tf.Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233 + i * i * 0.37));
  return tf.tensor(range === 'positive' ? values.map((v) => 1.2 + v) : values, shape);
}

function maxDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const scale = b.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  return a.reduce(
    (max, v, i) =>
      Number.isNaN(v) || Number.isNaN(b[i]) ? Number.POSITIVE_INFINITY : Math.max(max, Math.abs(v - b[i]!) / scale),
    0,
  );
}
