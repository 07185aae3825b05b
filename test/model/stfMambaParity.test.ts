import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { type LossName, lossParts, type StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';
import {
  debugFixture,
  fixtureClips,
  fixtureConfigs,
  fixtureLabels,
  fixtureLosses,
  fixtureModel,
  noise,
  otherLosses,
} from './debugFixture.js';
import { largestDifference } from './differences.js';

beforeAll(async () => {
  await startEngine();
});

describe.each(['a', 'b', 'baseline'] as const)('against an independent PyTorch implementation, phase %s', (phase) => {
  const want = debugFixture[phase];
  const config = fixtureConfigs[phase];
  const opened: StfMamba[] = [];
  afterAll(() => {
    for (const model of opened) model.dispose();
  });
  function load(): StfMamba {
    const model = fixtureModel(phase);
    opened.push(model);
    return model;
  }

  test('logits, energies and losses agree with its float64 to float32 rounding', () => {
    const output = load().forward(fixtureClips());
    expect(largestDifference(output.logits.dataSync(), want.logits.flat())).toBeLessThan(2e-5);
    expect(largestDifference(output.hllEnergy.dataSync(), want.hll_energy)).toBeLessThan(2e-6);
    // A sum over 65 536 squares: the wasm engine adds them one after the other.
    expect(largestDifference(output.allBandEnergy.dataSync(), want.all_band_energy)).toBeLessThan(1e-4);
    const expectLosses = (losses: Record<string, number>, given: StfConfig) => {
      const parts = lossParts(output, fixtureLabels(), given);
      for (const [name, theirs] of Object.entries(fixtureLosses)) {
        expect(Math.abs(parts[name as LossName].dataSync()[0] - losses[theirs]), name).toBeLessThan(1e-5);
      }
    };
    expectLosses(want.loss, config);
    for (const [mode, losses] of Object.entries(want.other_losses ?? {})) {
      expectLosses(losses, { ...config, ...otherLosses[mode] });
    }
  });

  test('the gradient of every parameter agrees in length and along a random direction', () => {
    const model = load();
    const { grads } = tf.variableGrads(() => lossParts(model.forward(fixtureClips()), fixtureLabels(), config).total);
    expect([...model.parameters.keys()].sort()).toEqual(Object.keys(want.gradients).sort());
    [...model.parameters.keys()].sort().forEach((name, number) => {
      const gradient = grads[model.parameters.get(name)!.name].dataSync<'float32'>();
      const direction = noise(gradient.length, number + 1000);
      const expected = want.gradients[name];
      // Hydra's D stands before a norm: its gradient is the small remainder of large terms, and rounding shows in it.
      const tolerance = 1e-3 * expected.norm;
      expect(Math.abs(Math.hypot(...gradient) - expected.norm), name).toBeLessThanOrEqual(tolerance);
      const along = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
      // A direction of uniform numbers has length √(n/3): an error of the gradient shows along it magnified by that.
      expect(Math.abs(along - expected.probe), name).toBeLessThanOrEqual(
        tolerance * Math.max(1, Math.sqrt(gradient.length / 3)),
      );
    });
  });

  test('one step of AdamW moves every parameter along its gradient as far as there', () => {
    const model = load();
    const still = { ...config, dropout: 0, drop_path: 0, warmup_epochs: 0, amp_dtype: 'float32' } as const;
    const trainer = new Trainer(model, still, { stepsPerEpoch: 1, totalSteps: 10 });
    const before = new Map([...model.parameters].map(([name, v]) => [name, v.dataSync<'float32'>().slice()]));
    const { grads } = tf.variableGrads(() => lossParts(model.forward(fixtureClips()), fixtureLabels(), config).total);
    trainer.accumulate(
      { clips: Uint8Array.from(fixtureClips().dataSync()), labels: Int32Array.of(0, 1, 0, 1) },
      () => 0.5,
    );
    const { lr } = trainer.apply(0);
    trainer.pullWeights();
    for (const [name, variable] of model.parameters) {
      const gradient = grads[variable.name].dataSync();
      const start = before.get(name)!;
      // −Σ|g| and what decay adds. The sign of a gradient next to zero may turn, but then it weighs next to nothing;
      // what float32 makes of a step of lr from a weight near one weighs a thousandth.
      const along = variable.dataSync<'float32'>().reduce((sum, w, i) => sum + ((w - start[i]) / lr) * gradient[i], 0);
      const { step, l1 } = want.gradients[name];
      expect(Math.abs(along - step), name).toBeLessThanOrEqual(2e-3 * l1 + 1e-12);
    }
    trainer.dispose();
  });
});
