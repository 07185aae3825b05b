import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { mixOverTime } from '../../../model/temporal/mixOverTime.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, valueAndGradients } from './checkOwnOperation.js';

await startEngine();
const constants = new ConstantCache();
afterAll(() => constants.dispose());

type Size = { batch: number; steps: number; heads: number; width: number; states: number };

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const shapesOf = ({ batch, steps, heads, width, states }: Size) => {
  const projection = [batch, steps, states];
  return [
    ...[[batch, steps, heads * width], [batch, heads, 2, steps], [heads], [batch, steps, heads]],
    ...[projection, projection, projection, projection],
  ];
};
function operands(size: Size): tf.Tensor[] {
  const [u, delta, decay, ...rest] = shapesOf(size).map((shape, i) => random(shape, i + 1));
  return [u!, delta!.mul(0.5).add(0.6), decay!.mul(0.8).sub(1), ...rest];
}
const layer = (...[u, delta, decay, diagonal, bf, cf, bb, cb]: tf.Tensor[]) =>
  mixOverTime(
    u as tf.Tensor3D,
    diagonal as tf.Tensor3D,
    { delta, decay, forward: { input: bf, output: cf }, backward: { input: bb, output: cb } } as never,
    constants,
  ) as tf.Tensor;

/**
 * Two recurrences `h_t = exp(Δ_t·A)·h_{t−1} + Δ_t·B_t·u_t`, `C_t·h_t` one step later, the second on reversed time; with
 * the diagonal's share.
 */
const loopOf =
  ({ batch, steps, heads, width, states }: Size) =>
  (...[u, delta, decay, diagonal, bf, cf, bb, cb]: Float64Array[]) => {
    const y = new Float64Array(u!.length);
    for (let b = 0; b < batch; b++)
      for (let channel = 0; channel < heads * width; channel++) {
        const head = Math.floor(channel / width);
        const at = (t: number) => (b * steps + t) * heads * width + channel;
        for (let t = 0; t < steps; t++) y[at(t)]! += diagonal![(b * steps + t) * heads + head]! * u![at(t)]!;
        for (const direction of [0, 1]) {
          const [input, output] = direction === 0 ? [bf!, cf!] : [bb!, cb!];
          const h = new Float64Array(states);
          const step = direction === 0 ? 1 : -1;
          for (let i = 0, t = direction === 0 ? 0 : steps - 1; i < steps; i++, t += step) {
            const size = delta![((b * heads + head) * 2 + direction) * steps + t]!;
            let read = 0;
            for (let n = 0; n < states; n++) {
              const place = (b * steps + t) * states + n;
              h[n] = Math.exp(size * decay![head]!) * h[n]! + size * input[place]! * u![at(t)]!;
              read += output[place]! * h[n]!;
            }
            if (i + 1 < steps) y[at(t + step)]! += read;
          }
        }
      }
    return y;
  };

const small: Size = { batch: 2, steps: 4, heads: 2, width: 3, states: 2 };

describe.runIf(ownOperationsInUse())("Hydra's mixing as one operation", () => {
  test.each<Size>([
    small,
    { batch: 1, steps: 1, heads: 1, width: 1, states: 1 },
    { batch: 2, steps: 2, heads: 1, width: 17, states: 1 },
    { batch: 1, steps: 3, heads: 3, width: 1, states: 3 },
    { batch: 1, steps: 17, heads: 1, width: 2, states: 1 },
  ])('has the value and the gradients of the two recurrences and of its composition, %o', (size) => {
    checkOwnOperation(layer, loopOf(size), operands(size), 1e-5);
  });

  test.each<Size>([
    { batch: 2, steps: 32, heads: 3, width: 64, states: 16 },
    { batch: 1, steps: 64, heads: 2, width: 5, states: 4 },
  ])('equals its composition over many steps, %o', (size) => {
    const inputs = operands(size);
    const weight = random(inputs[0]!.shape, 9);
    const [own, composed] = [true, false].map((on) => valueAndGradients(layer, inputs, weight, on));
    own!.forEach((numbers, i) => {
      const scale = composed![i]!.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
      const worst = numbers.reduce((most, value, j) => Math.max(most, Math.abs(value - composed![i]![j]!)), 0);
      expect(worst / scale).toBeLessThan(1e-5);
    });
  });

  test('keeps its accuracy over 64 steps of fast decay, where exponents reach −540', () => {
    const size: Size = { batch: 1, steps: 64, heads: 1, width: 1, states: 1 };
    const inputs = operands(size).map((tensor, i) => (i === 2 ? tf.tensor1d([-14]) : tensor));
    checkOwnOperation(layer, loopOf(size), inputs, 1e-5);
  });

  test('holds NaN to its sample, and to the channel that has it', () => {
    const inputs = operands(small);
    const values = inputs[0]!.dataSync<'float32'>().slice();
    values[6 + 1] = Number.NaN; // sample 0, step 1, channel 1
    const given = [tf.tensor(values, inputs[0]!.shape), ...inputs.slice(1)];
    const [y, du, dDelta] = valueAndGradients(layer, given, tf.ones([2, 4, 6]), true);
    const isNaNAt = (numbers: Float32Array) => [...numbers].flatMap((value, i) => (Number.isNaN(value) ? [i] : []));
    expect(isNaNAt(y!)).toEqual([1, 7, 13, 19]);
    expect(isNaNAt(du!)).toEqual([]);
    expect(isNaNAt(dDelta!).every((i) => i < 8)).toBe(true);
    expect(isNaNAt(dDelta!).length).toBeGreaterThan(0);
  });

  test('takes no clips, and refuses operands that do not fit', () => {
    const run = (name: 'StfMixOverTime' | 'StfMixOverTimeGradient', shapes: number[][]) => {
      const outputs = name === 'StfMixOverTime' ? 1 : 8;
      return ownOperation(
        name,
        {},
        shapes.map((shape) => tf.zeros(shape)),
        outputs,
      );
    };
    const none = shapesOf({ ...small, batch: 0 });
    expect(run('StfMixOverTime', none)[0]!.shape).toEqual([0, 4, 6]);
    const gradients = run('StfMixOverTimeGradient', [none[0]!, ...none]);
    expect(gradients.map(({ shape }) => shape)).toEqual(none);
    expect([...gradients[2]!.dataSync()]).toEqual([0, 0]);
    const shapes = shapesOf(small);
    shapes.forEach((shape, i) => {
      const wrong = shapes.map((other, j) => (i === j ? [...shape.slice(0, -1), shape.at(-1)! + 1] : other));
      expect(() => run('StfMixOverTime', wrong)).toThrow('Expected operands [B,T,C] [B,H,2,T]');
      expect(() => run('StfMixOverTimeGradient', [shapes[0]!, ...wrong])).toThrow('Expected operands');
      const flat = shapes.map((other, j) => (i === j ? [1, tf.util.sizeFromShape(shape)] : other));
      expect(() => run('StfMixOverTime', flat)).toThrow('Expected operands [B,T,C] [B,H,2,T]');
    });
    expect(() => run('StfMixOverTime', shapesOf({ ...small, steps: 0 }))).toThrow('with T at least 1');
    expect(() => run('StfMixOverTimeGradient', [[2, 4, 5], ...shapes])).toThrow(
      'Expected [2,4,6] for dy but received [2,4,5]',
    );
  });
});
