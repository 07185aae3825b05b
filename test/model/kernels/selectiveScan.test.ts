import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ownOperation, ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { selectiveScan } from '../../../model/temporal/selectiveScan.js';
import { seededValues } from '../seededUniform.js';
import { checkOwnOperation, valueAndGradients } from './checkOwnOperation.js';

await startEngine();

type Size = { directions: number; samples: number; steps: number; channels: number; states: number };

const random = (shape: number[], seed: number) => tf.tensor(seededValues(tf.util.sizeFromShape(shape), seed), shape);
const shapesOf = ({ directions, samples, steps, channels, states }: Size) => {
  const rows = samples * steps;
  const signal = [directions, rows, channels];
  const projection = [directions, rows, states];
  return [signal, signal, [directions, channels, states], projection, projection, [directions, 1, channels]];
};
function operands(size: Size): tf.Tensor[] {
  const [u, delta, decay, input, output, skip] = shapesOf(size).map((shape, i) => random(shape, i + 1));
  return [u!, delta!.mul(0.5).add(0.6), decay!.sub(1.5), input!, output!, skip!];
}
const layerOf =
  (steps: number) =>
  (...[u, delta, decay, input, output, skip]: tf.Tensor[]) =>
    selectiveScan({ u, delta, decay, input, output, skip, steps } as never) as tf.Tensor;

/** The recurrence step by step. */
const loopOf =
  ({ directions, samples, steps, channels, states }: Size) =>
  (...[u, delta, decay, input, output, skip]: Float64Array[]) => {
    const y = new Float64Array(u!.length);
    for (let series = 0; series < directions * samples; series++)
      for (let c = 0; c < channels; c++) {
        const parameter = Math.floor(series / samples) * channels + c;
        const h = new Float64Array(states);
        for (let t = 0; t < steps; t++) {
          const row = series * steps + t;
          const at = row * channels + c;
          y[at] = skip![parameter]! * u![at]!;
          for (let n = 0; n < states; n++) {
            const factor = Math.exp(delta![at]! * decay![parameter * states + n]!);
            h[n] = factor * h[n]! + delta![at]! * u![at]! * input![row * states + n]!;
            y[at]! += output![row * states + n]! * h[n]!;
          }
        }
      }
    return y;
  };

const small: Size = { directions: 2, samples: 2, steps: 3, channels: 3, states: 2 };

describe.runIf(ownOperationsInUse())('the selective scan as one operation', () => {
  test.each<Size>([
    small,
    { directions: 1, samples: 1, steps: 1, channels: 1, states: 1 },
    { directions: 2, samples: 1, steps: 1, channels: 17, states: 1 },
    { directions: 1, samples: 3, steps: 4, channels: 1, states: 5 },
    { directions: 1, samples: 1, steps: 5, channels: 131, states: 1 },
  ])('has the value and the gradients of the recurrence and of its composition, %o', (size) => {
    checkOwnOperation(layerOf(size.steps), loopOf(size), operands(size), 1e-5);
  });

  test('equals its composition over many steps of many channels', () => {
    const size: Size = { directions: 2, samples: 2, steps: 33, channels: 141, states: 16 };
    const weight = random([2, 66, 141], 9);
    const [own, composed] = [true, false].map((on) => valueAndGradients(layerOf(33), operands(size), weight, on));
    own!.forEach((numbers, i) => {
      const scale = composed![i]!.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
      numbers.forEach((value, j) => {
        expect(Math.abs(value - composed![i]![j]!)).toBeLessThan(1e-5 * scale);
      });
    });
  });

  test('a decay that forgets at once leaves no memory and no gradient that is not finite', () => {
    const [u, delta, decay, ...rest] = operands(small);
    const given = [u!, delta!, tf.fill(decay!.shape, -1e6), ...rest];
    const [own, composed] = [true, false].map((on) =>
      valueAndGradients(layerOf(3), given, random([2, 6, 3], 9), on).map((numbers) => [...numbers]),
    );
    for (const [i, numbers] of own!.entries())
      numbers.forEach((value, j) => {
        expect(value).toBeCloseTo(composed![i]![j]!, 5);
      });
  });

  test('holds NaN to its sample, from its step on', () => {
    const inputs = operands(small);
    const values = inputs[0]!.dataSync<'float32'>().slice();
    values[3] = Number.NaN; // direction 0, sample 0, step 1, channel 0
    const given = [tf.tensor(values, inputs[0]!.shape), ...inputs.slice(1)];
    const [y, du, , dDecay] = valueAndGradients(layerOf(3), given, tf.ones([2, 6, 3]), true);
    const isNaNAt = (numbers: Float32Array) => [...numbers].flatMap((value, i) => (Number.isNaN(value) ? [i] : []));
    expect(isNaNAt(y!)).toEqual([3, 6]);
    expect(isNaNAt(du!)).toEqual([]);
    // Of channel 0 of direction 0; the state at step 1 is not finite and has a later one.
    expect(isNaNAt(dDecay!)).toEqual([0, 1]);
  });

  test('takes no rows, and refuses operands that do not fit', () => {
    const run = (name: 'StfSelectiveScan' | 'StfSelectiveScanGradient', steps: number, shapes: number[][]) => {
      const given = shapes.map((shape) => tf.zeros(shape));
      const outputs = name === 'StfSelectiveScan' ? 1 : 6;
      return ownOperation(name, { steps: { kind: 'int', value: steps } }, given, outputs);
    };
    const none = shapesOf({ ...small, samples: 0 });
    expect(run('StfSelectiveScan', 3, none)[0]!.shape).toEqual([2, 0, 3]);
    const gradients = run('StfSelectiveScanGradient', 3, [none[0]!, ...none]);
    expect(gradients.map(({ shape }) => shape)).toEqual(none);
    expect([...gradients[2]!.dataSync()]).toEqual(Array(12).fill(0));
    const shapes = shapesOf(small);
    expect(() => run('StfSelectiveScan', 4, shapes)).toThrow('with R a multiple of 4 steps but received [2,6,3]');
    shapes.forEach((shape, i) => {
      const wrong = shapes.map((other, j) => (i === j ? [...shape.slice(0, -1), shape.at(-1)! + 1] : other));
      expect(() => run('StfSelectiveScan', 3, wrong)).toThrow('Expected operands [D,R,C] [D,R,C]');
      expect(() => run('StfSelectiveScanGradient', 3, [shapes[0]!, ...wrong])).toThrow('Expected operands');
      const flat = shapes.map((other, j) => (i === j ? [tf.util.sizeFromShape(shape)] : other));
      expect(() => run('StfSelectiveScan', 3, flat)).toThrow('Expected operands [D,R,C] [D,R,C]');
    });
    expect(() => run('StfSelectiveScanGradient', 3, [[2, 6, 2], ...shapes])).toThrow(
      'Expected [2,6,3] for dy but received [2,6,2]',
    );
  });
});
