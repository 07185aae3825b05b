import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { drawTrainingMasks, lossParts, StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';
import { groupBy } from './groupBy.js';
import { seededUniform } from './seededUniform.js';

beforeAll(async () => {
  await startEngine();
});
const opened: { dispose(): void }[] = [];
afterAll(() => {
  for (const it of opened) it.dispose();
});

const config: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const phaseBConfig: StfConfig = {
  ...config,
  use_hydra: true,
  use_mamer: true,
  use_wss: true,
  use_adaptive_sdim: true,
};
const [frames, size] = [4, 64];

/**
 * Pairs of clips, real then fake, as bytes: the real one a pattern of waves that drifts, the fake one blended with a
 * shifted copy of itself inside a soft spot that trembles.
 */
function pairs(count: number, seed = 1): { clips: Uint8Array; labels: Int32Array } {
  const uniform = seededUniform(seed);
  const between = (low: number, high: number) => low + (high - low) * uniform();
  const bytes = new Uint8Array(2 * count * frames * size * size * 3);
  let i = 0;
  for (let pair = 0; pair < count; pair++) {
    const waves = Array.from({ length: 9 }, () => [
      between(0.05, 0.5),
      between(0.05, 0.5),
      between(0, 6),
      between(10, 30),
    ]);
    const spot = { row: between(20, 44), column: between(20, 44), radius: between(8, 14) };
    for (const fake of [false, true]) {
      for (let t = 0; t < frames; t++)
        for (let row = 0; row < size; row++)
          for (let column = 0; column < size; column++) {
            const distance = Math.hypot(row - spot.row - (t % 2), column - spot.column);
            const blend = fake ? 1 / (1 + Math.exp(distance - spot.radius)) : 0;
            for (let c = 0; c < 3; c++) {
              const pattern = (shift: number) =>
                waves
                  .slice(3 * c, 3 * c + 3)
                  .reduce(
                    (sum, [a, b, p, height]) => sum + height * Math.sin(a * (row + shift) + b * column + p + t / 3),
                    128,
                  );
              const value = (1 - blend) * pattern(0) + blend * pattern(3);
              bytes[i++] = Math.min(255, Math.max(0, Math.round(value)));
            }
          }
    }
  }
  return { clips: bytes, labels: Int32Array.from({ length: 2 * count }, (_, k) => k % 2) };
}
const tensors = ({ clips, labels }: ReturnType<typeof pairs>) => ({
  clips: tf.tensor5d(Int32Array.from(clips), [labels.length, frames, size, size, 3], 'int32'),
  labels: tf.tensor1d(labels, 'int32'),
});
function open(seed = 1, given = config): StfMamba {
  const model = new StfMamba(given, seededUniform(seed));
  opened.push(model);
  return model;
}

describe('gradients of the whole model against central differences', () => {
  /**
   * Weights larger than at the start, so that every parameter has a say, and offsets away from the kinks at whole
   * positions: outward sums of ±0.3 end at 0.3, 0.6, 0.9 and 1.2.
   */
  function spread(model: StfMamba): void {
    const uniform = seededUniform(77);
    for (const [name, variable] of model.parameters) {
      const leaf = name.split('.').at(-1)!;
      const value = (i: number) => {
        const u = 2 * uniform() - 1;
        if (leaf === 'gamma' || leaf === 'D') return 1 + 0.2 * u;
        if (leaf === 'A_log' || leaf === 'alpha_logit') return 0.5 + 0.5 * u;
        if (name.endsWith('dt_proj.bias') || leaf === 'dt_bias') return -2 + u;
        if (name.includes('offset.kernel')) return 0.002 * u;
        if (name.includes('offset.bias')) return (Math.floor(i / 4) % 2 === 0 ? -1 : 1) * Math.atanh(0.3);
        return 0.2 * u;
      };
      variable.assign(
        tf.tensor(
          Float32Array.from({ length: variable.size }, (_, i) => value(i)),
          variable.shape,
        ),
      );
    }
  }

  type Directions = Map<string, Float64Array>;
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);
  const unit = (values: ArrayLike<number>) => {
    const length = Math.sqrt(dot(values, values)) || 1;
    return Float64Array.from(values, (v) => v / length);
  };

  /** The gradient of a spread model at two clips of noise, and a comparison with differences along directions. */
  function gradientsOf(given: StfConfig, rounding: number) {
    const model = open(1, given);
    spread(model);
    const uniform = seededUniform(5);
    const clips = tf.tensor5d(
      Int32Array.from({ length: 2 * frames * size * size * 3 }, () => 256 * uniform()),
      [2, frames, size, size, 3],
      'int32',
    );
    const labels = tf.tensor1d([0, 1], 'int32');
    const loss = () => lossParts(model.forward(clips), labels, given).total;
    const { grads } = tf.variableGrads(loss);
    const gradients = new Map([...model.parameters].map(([name, v]) => [name, grads[v.name].dataSync<'float32'>()]));
    const start = new Map([...model.parameters].map(([name, v]) => [name, v.dataSync<'float32'>().slice()]));
    const lossAt = (directions: Directions, step: number) =>
      tf.tidy(() => {
        for (const [name, direction] of directions) {
          const moved = start.get(name)!.map((w, i) => w + step * direction[i]);
          model.parameters.get(name)!.assign(tf.tensor(moved, model.parameters.get(name)!.shape));
        }
        return loss().dataSync()[0];
      });
    const check = (label: string, directions: Directions) => {
      const slope = [...directions].reduce((sum, [name, d]) => sum + dot(gradients.get(name)!, d), 0);
      const sizes = [...directions.keys()].map((name) => gradients.get(name)!);
      const steepest = Math.sqrt(sizes.reduce((sum, g) => sum + dot(g, g), 0));
      // Move the loss by about 3e-3, no weight by more than a few percent of its range.
      const count = sizes.reduce((sum, { length }) => sum + length, 0);
      const step = Math.min(0.0036 * Math.sqrt(count), 3e-3 / steepest);
      const difference = (lossAt(directions, step) - lossAt(directions, -step)) / (2 * step);
      for (const name of directions.keys()) {
        model.parameters.get(name)!.assign(tf.tensor(start.get(name)!, model.parameters.get(name)!.shape));
      }
      // The curvature along so short a step leaves well below half a percent of the slope. Rounding of two losses
      // near 1 through the network's depth, divided by the step, is all that float32 lets us see beyond that.
      expect(Math.abs(difference - slope), label).toBeLessThanOrEqual(5e-3 * steepest + rounding / step);
      return { visible: Math.abs(slope) > (10 * rounding) / step };
    };
    const random = (length: number) => unit(Float64Array.from({ length }, () => 2 * uniform() - 1));
    return { gradients, check, random };
  }

  test('of every parameter tensor, along its gradient and a random direction, and of all together along random ones', () => {
    const { gradients, check, random } = gradientsOf(config, 5e-7);
    let visible = 0;
    for (const [name, gradient] of gradients) {
      if (check(`${name} along its gradient`, new Map([[name, unit(gradient)]])).visible) visible++;
      check(`${name} along a random direction`, new Map([[name, random(gradient.length)]]));
    }
    // The bound must say something: nearly all gradients stand out ten times above rounding.
    expect(visible).toBeGreaterThan(100);
    for (let k = 0; k < 10; k++) {
      const directions = new Map([...gradients].map(([name, g]) => [name, random(g.length)]));
      check(`all parameters, direction ${k}`, directions);
    }
  }, 240_000);

  test('of Phase B: tensor by tensor where it is new, part by part where it repeats', () => {
    const { gradients, check, random } = gradientsOf(phaseBConfig, 1.5e-6);
    /** Each tensor of one PN block, one Mamer block, the scan, laterals and head; what repeats, block by block. */
    const partOf = (name: string) => {
      const repeated = name.match(
        /^(temporal[123]\.(pn\.\d|mamer)|temporal4\.pn\.[12]|wss\.._hydra|stage\d|down\d|stem|dwt)/,
      );
      return repeated ? repeated[0] : name;
    };
    const parts = groupBy(gradients.keys(), partOf);
    expect(parts.size).toBeGreaterThan(90);
    let visible = 0;
    for (const [part, names] of parts) {
      // Half along the gradient, which has the largest say, half along a random direction, which no symmetry spares.
      const directions = new Map(
        names.map((name): [string, Float64Array] => {
          const gradient = gradients.get(name)!;
          const along = unit(gradient);
          const across = gradient.length > 1 ? random(gradient.length) : along;
          return [name, along.map((v, i) => (v + across[i]) / Math.sqrt(2 * names.length))];
        }),
      );
      if (check(part, directions).visible) visible++;
    }
    expect(visible).toBeGreaterThan(0.75 * parts.size);
  }, 240_000);
});

describe('training steps', () => {
  test.each<[string, StfConfig, string[]]>([
    ['Phase A', config, []],
    // Two coefficient frames leave no product of decays between a step and the shifted next one.
    ['Phase B', phaseBConfig, ['wss.a_hydra.A_log', 'wss.b_hydra.A_log']],
  ])('every parameter of %s receives a gradient within two steps', (_, given, exceptions) => {
    const model = open(1, given);
    const trainer = new Trainer(model, given, { stepsPerEpoch: 1, totalSteps: 10 });
    opened.push(trainer);
    const batch = pairs(2);
    const { clips, labels } = tensors(batch);
    const silent = new Set(model.parameters.keys());
    for (let step = 0; step < 2; step++) {
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => lossParts(model.forward(clips), labels, given).total);
        for (const name of model.parameters.keys()) {
          const gradient = grads[model.parameters.get(name)!.name].dataSync();
          if (gradient.some((g) => g !== 0)) silent.delete(name);
          expect(gradient.every(Number.isFinite), name).toBe(true);
        }
      });
      trainer.accumulate(batch, seededUniform(step));
      trainer.apply(step);
      trainer.pullWeights();
    }
    expect([...silent].sort()).toEqual(exceptions);
  });

  test.each([
    ['Phase A', config],
    ['Phase B', phaseBConfig],
  ])('of %s hold the same number of tensors step after step', (_, config) => {
    const model = open(1, config);
    const { clips, labels } = tensors(pairs(1));
    const uniform = seededUniform(3);
    const step = () => {
      const masks = drawTrainingMasks(config, 2, uniform);
      tf.tidy(() => {
        const { value } = tf.variableGrads(() => lossParts(model.forward(clips, masks), labels, config).total);
        expect(Number.isFinite(value.dataSync()[0])).toBe(true);
      });
      tf.dispose(Object.values(masks));
    };
    step();
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 4; i++) step();
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  });

  test('repeat bit for bit from the same seed', () => {
    const run = () => {
      const model = open(9);
      const trainer = new Trainer(model, config, { stepsPerEpoch: 1, totalSteps: 10 });
      opened.push(trainer);
      const uniform = seededUniform(4);
      return [0, 1, 2].map((step) => {
        const { total } = trainer.accumulate(pairs(2), uniform);
        trainer.apply(step);
        return total;
      });
    };
    expect(run()).toEqual(run());
  });

  test.each([
    ['Phase A', config],
    ['Phase B', phaseBConfig],
  ])(
    'four fixed pairs are learned by heart in 200 steps by %s',
    (_, config) => {
      const still: StfConfig = { ...config, dropout: 0, drop_path: 0, lr: 1e-3, warmup_epochs: 1 };
      const model = new StfMamba(still, seededUniform(1));
      const trainer = new Trainer(model, still, { stepsPerEpoch: 10, totalSteps: 200 });
      opened.push(model, trainer);
      const batch = pairs(4);
      const uniform = seededUniform(2);
      let ce = Number.POSITIVE_INFINITY;
      let step = 0;
      for (; step < 200 && ce >= 0.25; step++) {
        ({ ce } = trainer.accumulate(batch, uniform));
        trainer.apply(step);
      }
      expect(ce).toBeLessThan(0.25);
    },
    240_000,
  );
});
