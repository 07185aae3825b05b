import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { phaseA, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { Trainer } from '../../../model/training/trainer.js';
import { seededUniform } from './seededUniform.js';
import { darkerPairs, smallestNetwork } from './smallestNetwork.js';

/** Phase A on it, four clips a micro-batch. */
const small: StfConfig = { ...phaseA(), ...smallestNetwork, warmup_epochs: 1 };
const schedule = { stepsPerEpoch: 4, totalSteps: 40 };
const still = { ...small, drop_path: 0, dropout: 0 };

const batch = (seed: number, pairs = 2) => darkerPairs(seed, pairs);

const opened: { dispose(): void }[] = [];
function open(config = small, options = {}) {
  const model = new StfMamba(config, seededUniform(7));
  const trainer = new Trainer(model, config, schedule, options);
  opened.push(trainer, model);
  return { model, trainer };
}
afterEach(() => {
  for (const { dispose } of opened.splice(0).map((it) => ({ dispose: () => it.dispose() }))) dispose();
});
beforeAll(async () => {
  await startEngine('auto');
});

/** Steps `from` to `to` of a run, two micro-batches each; draws depend on the step alone, as in the product. */
function train(trainer: Trainer, from: number, to: number): number[] {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    for (const micro of [0, 1]) {
      const key = 10 * step + micro;
      losses.push(trainer.accumulate(batch(key), seededUniform(1000 + key)).total);
    }
    trainer.apply(step);
  }
  return losses;
}

const weights = ({ trainer }: { trainer: Trainer }) => trainer.exportState();

describe('a training step', () => {
  it('gives plain numbers that add up', () => {
    const { trainer } = open();
    const parts = trainer.accumulate(batch(1), seededUniform(1));
    expect(parts.total).toBeCloseTo(parts.ce + small.hll_loss_weight * parts.hll, 6);
    expect(parts.gap).toBeCloseTo(parts.hllFake - parts.hllReal, 6);
    expect(parts.hllDefined).toBe(1);
    expect(trainer.apply(0)).toEqual({ gradNorm: expect.any(Number), lr: small.lr / 4, skipped: false });
    expect(() => trainer.apply(1)).toThrow('expected at least one accumulated micro-batch before step 1 is applied');
  });

  it('decays kernels by rate and weight, and nothing else', () => {
    const [free, decayed] = [0, 0.05].map((weight_decay) =>
      open({ ...still, weight_decay, warmup_epochs: 0, lr: 0.01 }),
    );
    const before = weights(free!);
    for (const { trainer } of [free!, decayed!]) {
      trainer.accumulate(batch(1), seededUniform(1));
      expect(trainer.apply(0).lr).toBe(0.01);
    }
    const [without, withDecay] = [free!, decayed!].map(weights);
    let kernels = 0;
    for (const name of free!.model.parameters.keys()) {
      const [w, a, b] = [before, without!, withDecay!].map((of) => of.get(name)!.data as Float32Array);
      const factor = name.endsWith('.kernel') ? 0.01 * 0.05 : 0;
      const off = a!.reduce((most, value, i) => Math.max(most, Math.abs(value - b![i]! - factor * w![i]!)), 0);
      // A rounding of numbers below one; the decay of the kernels that are counted is thirty times that.
      expect(off, name).toBeLessThanOrEqual(factor === 0 ? 0 : 3e-7);
      if (factor > 0 && w!.some((value) => Math.abs(factor * value) > 1e-5)) kernels++;
    }
    expect(kernels).toBeGreaterThan(10);
  });

  it('lowers the loss on a batch that it sees again and again', () => {
    const { trainer } = open({ ...still, hll_loss_weight: 0, lr: 5e-3, warmup_epochs: 0 });
    const losses = Array.from({ length: 30 }, (_, step) => {
      const { ce } = trainer.accumulate(batch(1), seededUniform(1));
      trainer.apply(step);
      return ce;
    });
    expect(losses[0]).toBeCloseTo(Math.log(2), 1);
    expect(losses.at(-1)).toBeLessThan(0.4);
  });

  it('repeats exactly from the same seed', () => {
    const [first, second] = [open(), open()];
    expect(train(first.trainer, 0, 3)).toEqual(train(second.trainer, 0, 3));
    expect(weights(first)).toEqual(weights(second));
  });

  it('takes a batch in parts: the gradient of cross-entropy is the same', () => {
    const config = { ...still, hll_loss_weight: 0, max_grad_norm: 1e9 };
    const whole = open(config);
    const parts = open(config);
    const { clips, labels } = batch(3, 4);
    const uniform = () => 0.5;
    whole.trainer.accumulate({ clips, labels }, uniform);
    for (let i = 0; i < 4; i++) {
      const bytes = clips.length / 4;
      const part = { clips: clips.subarray(i * bytes, (i + 1) * bytes), labels: labels.subarray(2 * i, 2 * i + 2) };
      parts.trainer.accumulate(part, uniform);
    }
    const [a, b] = [whole.trainer.apply(0), parts.trainer.apply(0)];
    expect(b.gradNorm / a.gradNorm).toBeCloseTo(1, 4);
    // The first moment is a tenth of the gradient, number by number.
    const [ma, mb] = [whole, parts].map((one) => weights(one).get('optim.m')!.data as Float32Array);
    const scale = Math.max(...ma!.map(Math.abs));
    expect(Math.max(...ma!.map((value, i) => Math.abs(value - mb![i]!)))).toBeLessThan(1e-4 * scale);
  });

  it('splits a micro-batch with its masks: each sample is dropped as it would be in the whole', () => {
    const config = { ...small, drop_path: 0.5, dropout: 0.5, hll_loss_weight: 0, max_grad_norm: 1e9 };
    const [whole, parts] = [open(config), open(config)];
    const given = batch(3, 4);
    const losses = [
      whole.trainer.accumulate(given, seededUniform(2)),
      parts.trainer.accumulate(given, seededUniform(2), 4),
    ];
    expect(losses[1]!.ce).toBeCloseTo(losses[0]!.ce, 5);
    whole.trainer.apply(0);
    parts.trainer.apply(0);
    const [want, got] = [whole, parts].map((one) => weights(one).get('optim.m')!.data as Float32Array);
    const scale = Math.max(...want!.map(Math.abs));
    expect(Math.max(...want!.map((value, i) => Math.abs(value - got![i]!)))).toBeLessThan(1e-4 * scale);
  });

  it('clips the averaged gradient, not its parts', () => {
    const config = { ...still, max_grad_norm: 0.01 };
    const { trainer } = open(config);
    trainer.accumulate(batch(1), seededUniform(1));
    trainer.accumulate(batch(2), seededUniform(1));
    const { gradNorm } = trainer.apply(0);
    const m = weights({ trainer }).get('optim.m')!.data as Float32Array;
    expect(gradNorm).toBeGreaterThan(0.1);
    expect(Math.hypot(...m) / 0.1).toBeCloseTo(0.01, 5);
  });

  it('leaves everything as it is when the gradient is not finite', () => {
    const opened = open();
    train(opened.trainer, 0, 1);
    const kernel = opened.model.parameters.get('head.fc.kernel')!;
    const good = kernel.clone();
    kernel.assign(tf.fill(kernel.shape, Number.NaN));
    const before = weights(opened);
    const { total } = opened.trainer.accumulate(batch(5), seededUniform(5));
    expect(total).toBeNaN();
    expect(opened.trainer.apply(1)).toMatchObject({ skipped: true, gradNorm: Number.NaN });
    expect(opened.trainer.skippedSteps).toBe(1);
    const after = weights(opened);
    expect(after.get('optim.counters')!.data).toEqual(Int32Array.of(1, 1));
    for (const [name, { data }] of before) if (name !== 'optim.counters') expect(after.get(name)!.data).toEqual(data);
    kernel.assign(good);
    good.dispose();
    opened.trainer.accumulate(batch(5), seededUniform(5));
    expect(opened.trainer.apply(2).skipped).toBe(false);
  });

  it('keeps no tensors', () => {
    const { trainer } = open({ ...small, ema_decay: 0.9 });
    train(trainer, 0, 2);
    const before = tf.memory().numTensors;
    train(trainer, 2, 22);
    trainer.predict(batch(1).clips, 4);
    trainer.withAverage(() => trainer.predict(batch(1).clips, 4));
    trainer.importState(trainer.exportState());
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives back all memory', () => {
    const before = tf.memory().numTensors;
    const model = new StfMamba(small, seededUniform(1));
    const trainer = new Trainer(model, { ...small, ema_decay: 0.9 }, schedule);
    train(trainer, 0, 1);
    trainer.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says what a batch should be', () => {
    const { trainer } = open();
    expect(() => trainer.accumulate({ clips: new Uint8Array(5), labels: Int32Array.of(0, 1) }, () => 0.5)).toThrow(
      'Expected Uint8Array [2,4,32,32,3] of 24576 bytes for clips but received 5 of type Uint8Array',
    );
  });

  it('takes the same step with gradient checkpointing', () => {
    // Recorded, TensorFlow's graph optimiser may fuse the two differently; recordedSteps.test.ts looks at that.
    const eager = { ...small, engine: { ...small.engine, step: 'eager' as const } };
    const [plain, recomputed] = [open(eager), open({ ...eager, grad_checkpoint: true })];
    expect(train(recomputed.trainer, 0, 2)).toEqual(train(plain.trainer, 0, 2));
    const [expected, received] = [weights(plain), weights(recomputed)];
    // Of dwt.alpha_logit alone, which three gates read, contributions are summed in another order.
    const [i, width] = [plain.trainer.momentIndex().findIndex(({ name }) => name === 'dwt.alpha_logit'), 6];
    const at = plain.trainer.momentIndex()[i]!.offset;
    for (const [name, { data }] of expected) {
      const loose = name === 'dwt.alpha_logit' || name === 'optim.m' || name === 'optim.v';
      if (!loose) expect(received.get(name)!.data, name).toEqual(data);
      else if (name.startsWith('optim')) {
        const rest = (values: ArrayLike<unknown>) => Array.from(values).filter((_, k) => k !== at);
        expect(rest(received.get(name)!.data)).toEqual(rest(data));
        expect(received.get(name)!.data[at]).toBeCloseTo(Number(data[at]), width);
      } else expect(received.get(name)!.data[0]).toBeCloseTo(Number(data[0]), width);
    }
  });

  it('leaves frozen parameters alone, which have neither moments nor averages', () => {
    const config = { ...small, ema_decay: 0.5 };
    const { model, trainer: thawed } = open(config);
    const isFrozen = (name: string) => name.startsWith('stem.') || name.startsWith('stage3.');
    for (const [name, variable] of model.parameters) variable.trainable = !isFrozen(name);
    const trainer = new Trainer(model, config, schedule);
    opened.push(trainer);
    const before = trainer.exportState();
    train(trainer, 0, 2);
    const after = trainer.exportState();
    for (const name of model.parameters.keys()) {
      if (isFrozen(name)) expect(after.get(name), name).toEqual(before.get(name));
      else expect(after.get(name)!.data, name).not.toEqual(before.get(name)!.data);
    }
    const names = [...model.parameters.keys()];
    expect(trainer.momentIndex().map(({ name }) => name)).toEqual(names.filter((name) => !isFrozen(name)).sort());
    expect(
      [...after.keys()]
        .filter((name) => name.startsWith('ema.'))
        .map((name) => name.slice(4))
        .sort(),
    ).toEqual(names.filter((name) => !isFrozen(name)).sort());
    trainer.importState(before);
    expect(trainer.exportState()).toEqual(before);
    // The state of a run that trained everything is of another optimiser.
    expect(() => trainer.importState(thawed.exportState())).toThrow(/optim\.m: expected F32 \[\d+\], received F32/);
  });

  it('holds a pretrained trunk back', () => {
    const moved = (pretrainedTrunk: boolean) => {
      const config = { ...still, weight_decay: 0 };
      const { model, trainer } = open(config, { pretrainedTrunk });
      const before = model.parameters.get('stem.conv.kernel')!.dataSync();
      trainer.accumulate(batch(1), seededUniform(1));
      trainer.apply(0);
      trainer.pullWeights();
      const after = model.parameters.get('stem.conv.kernel')!.dataSync();
      return Math.max(...after.map((value, i) => Math.abs(value - before[i]!)));
    };
    expect(moved(true) / moved(false)).toBeCloseTo(small.backbone_lr_mult, 3);
  });

  it('asks the configuration whether the trunk is pretrained', () => {
    // The native trunk has no weights to begin with, whatever file is named.
    const { trainer } = open({ ...still, backbone_weights: 'none.safetensors', weight_decay: 0 });
    const before = trainer.exportState().get('stem.conv.kernel')!.data;
    trainer.accumulate(batch(1), seededUniform(1));
    trainer.apply(0);
    const after = trainer.exportState().get('stem.conv.kernel')!.data as Float32Array;
    const moved = Math.max(...after.map((value, i) => Math.abs(value - Number(before[i]))));
    expect(moved).toBeCloseTo(small.lr / 4, 5);
  });
});

describe('state', () => {
  it('goes on after a checkpoint exactly as if there had been no break', () => {
    const config = { ...small, ema_decay: 0.9 };
    const unbroken = open(config);
    const losses = train(unbroken.trainer, 0, 6);

    const first = open(config);
    train(first.trainer, 0, 3);
    const file = encodeSafetensors(first.trainer.exportState());
    const second = new StfMamba(config, seededUniform(99));
    const trainer = new Trainer(second, config, schedule);
    opened.push(trainer, second);
    trainer.importState(decodeSafetensors(file).tensors);
    expect(train(trainer, 3, 6)).toEqual(losses.slice(6));
    expect(weights({ trainer })).toEqual(weights(unbroken));
  });

  it('uses the names of the model, and says where moments lie', () => {
    const { model, trainer } = open({ ...small, ema_decay: 0.9 });
    const state = trainer.exportState();
    const names = [...model.parameters.keys()];
    expect([...state.keys()].sort()).toEqual(
      [...names, ...names.map((name) => `ema.${name}`), 'optim.counters', 'optim.m', 'optim.v'].sort(),
    );
    const index = trainer.momentIndex();
    expect(index.map(({ name }) => name)).toEqual([...names].sort());
    expect(index.at(-1)!.offset + index.at(-1)!.size).toBe(model.countParameters());
    trainer.accumulate(batch(1), seededUniform(1));
    trainer.apply(0);
    const m = trainer.exportState().get('optim.m')!.data as Float32Array;
    const { offset, size } = index.find(({ name }) => name === 'head.fc.bias')!;
    // The two logits' biases get opposite gradients.
    expect(size).toBe(2);
    expect(m[offset]).not.toBe(0);
    expect(m[offset]! + m[offset + 1]!).toBeCloseTo(0, 7);
  });

  it('refuses the state of another model and stays as it was', () => {
    const { trainer } = open();
    const before = trainer.exportState();
    const other = new Map(before).set('head.fc.bias', { dtype: 'F32', shape: [3], data: new Float32Array(3) });
    expect(() => trainer.importState(other)).toThrow(
      /holds another network:\n {2}of another shape \(1\): head\.fc\.bias \(expected F32 \[2\], received F32 \[3\]\)/,
    );
    const without = new Map(before);
    without.delete('optim.v');
    expect(() => trainer.importState(without)).toThrow(
      /^cannot go on from this checkpoint: optim\.v: expected F32 \[\d+\], received nothing$/,
    );
    const poisoned = (name: string, at: number, value: number) => {
      const state = trainer.exportState();
      (state.get(name)!.data as Float32Array)[at] = value;
      return state;
    };
    expect(() => trainer.importState(poisoned('optim.v', 3, Number.NaN))).toThrow(
      'optim.v: expected finite numbers, received NaN as element 3',
    );
    expect(() => trainer.importState(poisoned('stem.norm.beta', 2, Number.NEGATIVE_INFINITY))).toThrow(
      'stem.norm.beta: expected finite numbers, received -Infinity as element 2',
    );
    expect(() => trainer.importState(poisoned('optim.counters', 0, -5))).toThrow(
      'optim.counters: expected none below 0, received [-5,0]',
    );
    expect(trainer.exportState()).toEqual(before);
  });

  it('averages from the weights that were loaded after the trainer was made', () => {
    const config = { ...small, ema_decay: 0.5, weight_decay: 0 };
    const { model, trainer } = open(config);
    const bias = model.parameters.get('head.fc.bias')!;
    tf.tidy(() => bias.assign(tf.onesLike(bias)));
    train(trainer, 0, 1);
    const state = trainer.exportState();
    const [average, weight] = ['ema.head.fc.bias', 'head.fc.bias'].map((name) => state.get(name)!.data);
    expect(weight![0]).not.toBe(1);
    expect(average![0]).toBeCloseTo((1 + Number(weight![0])) / 2, 6);
  });

  it('predicts with the averages and returns to the weights', () => {
    const { trainer } = open({ ...small, ema_decay: 0.9, lr: 0.05, warmup_epochs: 0 });
    train(trainer, 0, 2);
    const { clips } = batch(1);
    const plain = trainer.predict(clips, 4);
    const averaged = trainer.withAverage(() => trainer.predict(clips, 4));
    expect(averaged.probability).not.toEqual(plain.probability);
    expect(trainer.predict(clips, 4)).toEqual(plain);
  });
});

describe('prediction', () => {
  it('scores each clip by itself', () => {
    const { trainer } = open();
    const { clips } = batch(1);
    const { probability, hllRatio, hllEnergy } = trainer.predict(clips, 4);
    const alone = trainer.predict(clips.subarray(clips.length / 4, clips.length / 2), 1);
    expect(probability).toHaveLength(4);
    expect(alone.probability[0]).toBeCloseTo(probability[1]!, 5);
    expect(alone.hllEnergy[0]).toBeCloseTo(hllEnergy[1]!, 5);
    for (const value of [...probability, ...hllRatio]) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    }
  });
});
