import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { baseline, phaseA, phaseB, type StfConfig } from '../../../model/config/stfConfig.js';
import { useOwnOperations } from '../../../model/engine/ownOperations.js';
import { effectivePrecision } from '../../../model/engine/precision.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { Trainer, type TrainerSchedule } from '../../../model/training/trainer.js';
import { seededUniform } from './seededUniform.js';
import { darkerPairs, smallestNetwork } from './smallestNetwork.js';

const schedule: TrainerSchedule = { stepsPerEpoch: 4, totalSteps: 40 };

const opened: { dispose(): void }[] = [];
function open(config: StfConfig) {
  const model = new StfMamba(config, seededUniform(7));
  const notes: string[] = [];
  const trainer = new Trainer(model, config, schedule, { say: (note) => notes.push(note) });
  opened.push(model, trainer);
  return { model, trainer, notes };
}
afterEach(() => {
  useOwnOperations(true);
  for (const one of opened.splice(0).reverse()) one.dispose();
});
beforeAll(async () => {
  await startEngine('auto');
});

const batch = (seed: number, pairs = 1) => darkerPairs(seed, pairs);

function train({ trainer }: { trainer: Trainer }, from: number, to: number, micros = [0, 1]) {
  const rows: number[][] = [];
  for (let step = from; step < to; step++) {
    const totals: number[] = [];
    for (const micro of micros)
      totals.push(trainer.accumulate(batch(10 * step + micro), seededUniform(1000 + 10 * step + micro)).total);
    const { gradNorm } = trainer.apply(step);
    rows.push([...totals, gradNorm]);
  }
  return rows;
}

const as = (config: StfConfig, step: 'eager' | 'recorded'): StfConfig => ({
  ...config,
  ...smallestNetwork,
  num_heads: 2,
  ema_decay: 0.9,
  engine: { ...config.engine, step },
});

/** Largest difference of two tensors relative to the largest number of the second. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [largest, apart] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    largest = Math.max(largest, Math.abs(b[i]!));
    apart = Math.max(apart, Math.abs(a[i]! - b[i]!));
  }
  return largest === 0 ? apart : apart / largest;
}

const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

/** All weights in one row. */
function weightsOf({ model, trainer }: ReturnType<typeof open>): Float32Array {
  trainer.pullWeights();
  return Float32Array.from([...model.parameters.values()].flatMap((variable) => [...variable.dataSync()]));
}

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));

const noRecorder = async () => {
  await startEngine('auto');
  return graphRecorder() === undefined;
};

describe.skipIf(await noRecorder())('recorded steps', () => {
  it.each<[string, number, StfConfig, boolean]>([
    ['baseline', 20, baseline(), true],
    ['Phase A', 20, phaseA(), true],
    ['Phase B', 20, phaseB(), true],
    ['Phase A without operations of our own', 3, phaseA(), false],
    ['Phase B with gradient checkpoints', 3, { ...phaseB(), grad_checkpoint: true }, true],
    [
      'an EfficientNet trunk that normalises over the batch',
      3,
      { ...phaseA(), spatial_backbone: 'efficientnet_lite0', backbone_weights: 'none', backbone_batch_norm: 'train' },
      true,
    ],
  ])(
    'of %s do what eager ones do, over %s steps',
    (_, steps, config, operations) => {
      useOwnOperations(operations);
      const [recorded, eager] = [open(as(config, 'recorded')), open(as(config, 'eager'))];
      // Statistics over eight rows, as there are in its last maps here, make much of rounding, and of what the step before
      // made of it: measured, norms of the gradient are apart by 5e-4, 2e-2 and 2e-2 of their size.
      const within =
        config.backbone_batch_norm === 'train'
          ? { first: 5e-3, all: 0.1, weights: 0.4 }
          : { first: 5e-6, all: 5e-6, weights: 1e-4 };
      const micros = steps > 3 && config.use_hydra ? [0] : [0, 1];
      const start = weightsOf(eager);
      const [a, b] = [train(recorded, 0, steps, micros), train(eager, 0, steps, micros)];
      expect(recorded.notes).toEqual([]);
      expect(recorded.trainer.stepMode).toBe('recorded');
      const losses = micros.length;
      expect(difference(a[0]!.slice(0, losses), b[0]!.slice(0, losses))).toBeLessThan(1e-5);
      expect(difference(a[0]!, b[0]!)).toBeLessThan(within.first);
      expect(difference(a.flat(), b.flat())).toBeLessThan(within.all);
      const [moved, expected] = [weightsOf(recorded), weightsOf(eager)];
      expect(distance(moved, expected) / distance(expected, start)).toBeLessThan(within.weights);
      const { clips } = batch(99);
      const scores = [recorded, eager].map(({ trainer }) =>
        trainer.withAverage(() => trainer.predict(clips, 2).probability),
      );
      expect(difference(scores[0]!, scores[1]!)).toBeLessThan(1e-3);
    },
    240_000,
  );

  it('freeze no draw, label, rate or step', () => {
    const [recorded, eager] = [open(as(phaseA(), 'recorded')), open(as(phaseA(), 'eager'))];
    const { clips } = batch(1);
    const seen = new Set<number>();
    for (const [labels, seed] of [
      [[0, 1], 5],
      [[1, 0], 5],
      [[0, 1], 6],
      [[0, 0], 5],
    ] as const) {
      const input = { clips, labels: Int32Array.from(labels) };
      const [a, b] = [recorded, eager].map(({ trainer }) => trainer.accumulate(input, seededUniform(seed)));
      for (const key of ['total', 'ce', 'gap', 'hllDefined'] as const) expect(a![key]).toBeCloseTo(b![key], 5);
      seen.add(a!.total);
    }
    expect(seen.size).toBe(4);
    const [a, b] = [recorded, eager].map(({ trainer }) => [trainer.apply(0).lr, trainer.exportState()] as const);
    expect(a![0]).toBe(b![0]);
    expect(
      difference(a![1].get('optim.v')!.data as Float32Array, b![1].get('optim.v')!.data as Float32Array),
    ).toBeLessThan(1e-4);
  });

  it('go on after a checkpoint exactly as if there had been no break', () => {
    const config = as(phaseA(), 'recorded');
    const unbroken = open(config);
    train(unbroken, 0, 6);
    const first = open(config);
    train(first, 0, 3);
    const state = first.trainer.exportState();
    const second = open(config);
    second.trainer.importState(state);
    train(second, 3, 6);
    expect(second.trainer.exportState()).toEqual(unbroken.trainer.exportState());
  });

  it('leave out a gradient that is not finite', () => {
    const { model, trainer } = open(as(phaseA(), 'recorded'));
    train({ trainer }, 0, 1);
    const before = trainer.exportState();
    const kernel = model.parameters.get('head.fc.kernel')!;
    const good = kernel.clone();
    kernel.assign(kernel.mul(Number.NaN));
    expect(trainer.accumulate(batch(5), seededUniform(5)).total).toBeNaN();
    expect(trainer.apply(1)).toMatchObject({ skipped: true, gradNorm: Number.NaN });
    kernel.assign(good);
    const after = trainer.exportState();
    for (const [name, { data }] of before) if (name !== 'optim.counters') expect(after.get(name)!.data).toEqual(data);
    trainer.accumulate(batch(5), seededUniform(5));
    expect(trainer.apply(2)).toMatchObject({ skipped: false });
  });

  it.each([
    ['recorded', true],
    ['recorded', false],
    ['eager', true],
    ['eager', false],
  ] as const)('leave out offsets that are no numbers, %s, by operations of our own: %s', (step, own) => {
    useOwnOperations(own);
    const { model, trainer, notes } = open(as(phaseA(), step));
    train({ trainer }, 0, 1);
    const before = trainer.exportState();
    const kernel = model.parameters.get([...model.parameters.keys()].find((name) => name.endsWith('offset.kernel'))!)!;
    const good = kernel.clone();
    kernel.assign(kernel.mul(Number.NaN));
    expect(trainer.accumulate(batch(5), seededUniform(5)).total).toBeNaN();
    expect(trainer.apply(1)).toMatchObject({ skipped: true });
    kernel.assign(good);
    const after = trainer.exportState();
    for (const [name, { data }] of before) if (name !== 'optim.counters') expect(after.get(name)!.data).toEqual(data);
    expect(Number.isFinite(trainer.accumulate(batch(5), seededUniform(5)).total)).toBe(true);
    expect(trainer.apply(2)).toMatchObject({ skipped: false });
    expect([notes, trainer.stepMode]).toEqual([[], step]);
  });

  it('average the same weights as eager ones', () => {
    const [recorded, eager] = [open(as(phaseA(), 'recorded')), open(as(phaseA(), 'eager'))];
    for (const one of [recorded, eager]) train(one, 0, 1);
    const [a, b] = [recorded, eager].map(({ trainer }) => trainer.exportState());
    // The average moves by a tenth of what the weights move in a step, so it tells where it began.
    const rate = recorded.trainer.learningRate(0);
    for (const [name, { data }] of b!) {
      if (!name.startsWith('ema.')) continue;
      const apart = Math.max(...(data as Float32Array).map((x, i) => Math.abs(x - Number(a!.get(name)!.data[i]))));
      expect(apart, name).toBeLessThan(0.5 * rate);
    }
    const moved = [recorded, eager].map(({ model }, i) => {
      const kernel = model.parameters.get('stem.conv.kernel')!.dataSync();
      const average = [a, b][i]!.get('ema.stem.conv.kernel')!.data as Float32Array;
      return Math.max(...average.map((x, k) => Math.abs(x - kernel[k]!)));
    });
    expect(moved[0]! / moved[1]!).toBeCloseTo(1, 2);
    expect(moved[0]! / (0.9 * rate)).toBeCloseTo(1, 1);
  });

  it('compute in bfloat16 nearly what float32 gives', () => {
    const narrow = { ...as(phaseA(), 'recorded'), amp_dtype: 'bfloat16' as const };
    const [a, b] = [open(narrow), open(as(phaseA(), 'recorded'))].map((one) => train(one, 0, 3));
    expect(difference(a!.flat(), b!.flat())).toBeLessThan(0.02);
    if (effectivePrecision('bfloat16', 'recorded', 'cpu').dtype === 'bfloat16')
      expect(difference(a!.flat(), b!.flat())).toBeGreaterThan(0);
  });

  it.each(['eager', 'recorded'] as const)(
    'of %s mode leave no trace in running statistics unless applied',
    (step) => {
      const config: StfConfig = {
        ...as(phaseA(), step),
        ...{ spatial_backbone: 'efficientnet_lite0', backbone_weights: 'none', backbone_batch_norm: 'train' },
      };
      const { trainer } = open(config);
      /** Names of the tensors that are not what they were. */
      const changed = (from: Map<string, HostTensor>) =>
        [...trainer.exportState()]
          .filter(([name, { data }]) => !sameBytes(data, from.get(name)!.data))
          .map(([name]) => name);
      const start = trainer.exportState();
      trainer.accumulate(batch(1), seededUniform(1));
      expect(changed(start)).toEqual([]);
      trainer.discard();
      expect(changed(start)).toEqual([]);
      trainer.accumulate(batch(1), seededUniform(1));
      trainer.apply(0);
      expect(changed(start)).toContain('backbone.bn1.running_mean');
    },
    120_000,
  );

  it('take another number of clips in a last batch', () => {
    const [recorded, eager] = [open(as(phaseA(), 'recorded')), open(as(phaseA(), 'eager'))];
    for (const { trainer } of [recorded, eager]) {
      trainer.accumulate(batch(1, 2), seededUniform(1));
      trainer.accumulate(batch(2, 1), seededUniform(2));
    }
    const [a, b] = [recorded, eager].map(({ trainer }) => trainer.apply(0).gradNorm);
    expect(a! / b!).toBeCloseTo(1, 5);
  });

  it('go on where a batch norm is asked for that the trunk does not have, and after a step that is left out', () => {
    const config: StfConfig = { ...phaseA(), backbone_batch_norm: 'train' };
    const [asked, plain] = [open(as(config, 'recorded')), open(as(phaseA(), 'recorded'))];
    for (const { trainer } of [asked, plain]) {
      trainer.accumulate(batch(1), seededUniform(1));
      trainer.discard();
    }
    expect(train(asked, 0, 2)).toEqual(train(plain, 0, 2));
    expect(asked.trainer.stepMode).toBe('recorded');
  });
});
