import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { debug, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';
import { seededUniform } from '../model/seededUniform.js';

/*
 * Training for a long time holds no more memory than training for a short one. By hand:
 * `npm run soak -- training`
 */
const steps = Number(process.env.SOAK_STEPS ?? 500);
/** Steps between two looks at the process's memory. */
const sampled = Math.max(1, Math.floor(steps / 25));
/** What the process may grow by in the second half of the run, by the line through its samples. */
const growthMiB = 16;

const phaseA: StfConfig = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true, ema_decay: 0.99 };
const phaseB: StfConfig = { ...phaseA, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };

/** Of the line of least squares through equally spaced values, a step. One high value does not hide what rises. */
function slopeOf(values: readonly number[]): number {
  const [middle, mean] = [(values.length - 1) / 2, values.reduce((sum, value) => sum + value, 0) / values.length];
  const squares = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / (squares || 1);
}

const engine = await startEngine();

describe.each([
  ['Phase A', phaseA],
  ['Phase A with gradient checkpointing', { ...phaseA, grad_checkpoint: true }],
  ['Phase B with gradient checkpointing', { ...phaseB, grad_checkpoint: true }],
])('%s', (title, config) => {
  it(`holds the same tensors for ${steps} steps`, { timeout: 60 * 60_000 }, () => {
    const uniform = seededUniform(1);
    const model = new StfMamba(config, uniform);
    const trainer = new Trainer(model, config, { stepsPerEpoch: steps, totalSteps: steps });
    const { num_frames: frames, img_size: size } = config;
    const rss: number[] = [];
    let tensors = 0;
    let loss = 0;
    for (let step = 0; step < steps; step++) {
      const clips = Uint8Array.from({ length: 2 * frames * size * size * 3 }, () => 256 * uniform());
      loss = trainer.accumulate({ clips, labels: Int32Array.of(0, 1) }, uniform).total;
      trainer.apply(step);
      if (step % 50 === 0) trainer.withAverage(() => trainer.predict(clips, 2));
      // The first step makes the tables that later ones share.
      if (step === 0) tensors = tf.memory().numTensors;
      expect(tf.memory().numTensors, `step ${step}`).toBe(tensors);
      if (step % sampled === 0) {
        globalThis.gc?.();
        rss.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
      }
    }
    console.log(title, engine.name, { steps, tensors, loss, rssMiB: rss.join(' ') });
    expect(loss).toBeLessThan(2);
    // By the middle, allocators, caches and the just-in-time compiler have settled.
    const late = rss.slice(rss.length / 2);
    expect(slopeOf(late) * late.length).toBeLessThan(growthMiB);
    trainer.dispose();
    model.dispose();
  });
});
