import * as tf from '@tensorflow/tfjs';
import type { EngineRequest } from '../engineRequest.js';
import { startEngine } from '../startEngine.js';

/**
 * Run as a program: starts the engine named by the first argument, multiplies two matrices and takes the gradient of a
 * convolution whose results are known, and prints what it started as JSON. Any failure ends it with another code than 0.
 */
const info = await startEngine(process.argv[2] as EngineRequest);

const size = 64;
// Row i of a times column j of b: Σ_k i·k/size² = i·(size−1)/(2·size) for every j.
const a = tf.tidy(() => tf.outerProduct(tf.range(0, size), tf.div(tf.range(0, size), size)) as tf.Tensor2D);
const product = tf.matMul(a, tf.fill([size, size], 1 / size) as tf.Tensor2D).arraySync() as number[][];
for (const [i, row] of product.entries()) {
  const expected = (i * (size - 1)) / (2 * size);
  if (row.some((value) => Math.abs(value - expected) > 1e-2 * (1 + expected)))
    throw new Error(`matMul gives ${row[0]}, not ${expected}`);
}

// With ones everywhere, a 3×3 filter's centre tap sees all 16 places of a 4×4 picture and a corner tap 9 of them.
const gradient = tf.grad((filter: tf.Tensor) =>
  tf.sum(tf.conv2d(tf.ones([1, 4, 4, 1]) as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')),
)(tf.ones([3, 3, 1, 1]));
const taps = gradient.dataSync();
if (Math.abs(taps[4]! - 16) > 1e-4 || Math.abs(taps[0]! - 9) > 1e-4) {
  throw new Error(`a convolution's gradient is ${taps.join(' ')}, not 16 in the centre and 9 at the corners`);
}
process.stdout.write(`${JSON.stringify(info)}\n`);
