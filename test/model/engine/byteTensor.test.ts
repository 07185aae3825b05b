import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { byteTensor } from '../../../model/engine/byteTensor.js';
import { startEngine } from '../../../model/engine/startEngine.js';

const { name: native } = await startEngine();
afterAll(() => tf.setBackend(native));

/** Every byte, in a view that begins in the middle of its buffer. */
const bytes = Uint8Array.from({ length: 259 }, (_, i) => i - 3).subarray(3);

describe.each([...new Set([native, 'wasm'] as const)])('bytes on %s', (engine) => {
  it('become the same numbers in float32', async () => {
    if (tf.getBackend() !== engine) await startEngine(engine);
    const before = tf.memory();
    const tensor = byteTensor(bytes, [2, 8, 16]);
    expect(tensor.dtype).toBe('float32');
    expect(tensor.shape).toEqual([2, 8, 16]);
    expect([...tensor.dataSync()]).toEqual(Array.from({ length: 256 }, (_, i) => i));
    const doubled = tf.mul(tensor, 2);
    expect(doubled.dataSync()[255]).toBe(510);
    expect(tf.memory().numTensors).toBe(before.numTensors + 2);
    tf.dispose([tensor, doubled]);
    const after = tf.memory();
    expect([after.numTensors, after.numDataBuffers, after.numBytes]).toEqual([
      before.numTensors,
      before.numDataBuffers,
      before.numBytes,
    ]);
  });
});
