import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MicroResult, phaseA, type StfConfig, StfMamba, startEngine, Trainer } from '../../../model/index.js';
import { isOutOfMemory } from '../../../pipeline/run/outOfMemory.js';
import { SplitSteps, type SplittableTrainer } from '../../../pipeline/training/splitSteps.js';
import { seededUniform } from '../../model/seededUniform.js';

const SIZE = 32;
const config: StfConfig = {
  ...phaseA(),
  ...{ num_frames: 4, num_segments: 1, frames_per_segment: 4, img_size: SIZE, d_state: 4 },
  ...{ stem_dim: 8, stage1_dim: 8, stage2_dim: 16, stage3_dim: 16, stage4_dim: 16, dwt_channels: 8, dwt_hidden_dim: 8 },
  ...{ stage1_blocks: 1, stage2_blocks: 1, stage3_blocks: 1, stage4_blocks: 1, amp_dtype: 'float32' },
  ...{ drop_path: 0.3, dropout: 0.3 },
};

const opened: { dispose(): void }[] = [];
beforeAll(async () => {
  await startEngine('auto');
});
afterEach(() => {
  for (const it of opened.splice(0)) it.dispose();
});

function open() {
  const model = new StfMamba(config, seededUniform(7));
  const trainer = new Trainer(model, config, { stepsPerEpoch: 4, totalSteps: 40 });
  opened.push(trainer, model);
  return trainer;
}

function micro(seed: number, pairs: number) {
  const uniform = seededUniform(seed);
  const bytes = 4 * SIZE * SIZE * 3;
  const clips = Uint8Array.from({ length: 2 * pairs * bytes }, (_, i) =>
    Math.floor(uniform() * (Math.floor(i / bytes) % 2 === 0 ? 256 : 200)),
  );
  const labels = Int32Array.from({ length: 2 * pairs }, (_, i) => i % 2);
  return { clips, labels, masks: () => seededUniform(seed + 100) };
}

/** A trainer on a machine that has room for so many clips at once, and forgets half way through a micro-batch. */
function cramped(trainer: Trainer, most: number, parts: number[]): SplittableTrainer {
  return {
    discard: () => trainer.discard(),
    accumulate(batch, uniform, count) {
      parts.push(count);
      const size = batch.labels.length / count;
      if (size <= most) return trainer.accumulate(batch, uniform, count);
      const bytes = batch.clips.length / count;
      // The first part still fits, so something has been added when memory runs out.
      trainer.accumulate({ clips: batch.clips.slice(0, bytes), labels: batch.labels.slice(0, size) }, uniform);
      throw new Error('2 root error(s) found: RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[4,32]');
    },
  };
}

/** Steps of two micro-batches of four pairs; returns losses and weights at the end. */
function train(steps: SplitSteps, trainer: Trainer, count: number) {
  const results: MicroResult[] = [];
  for (let step = 0; step < count; step++) {
    for (const i of [0, 1]) results.push(steps.take(micro(10 * step + i, 4)));
    trainer.apply(step);
    steps.end();
  }
  return { results, state: trainer.exportState() };
}

describe('SplitSteps', () => {
  it.each([2, 4])('trains on the same samples in smaller parts when memory holds %i clips', (most) => {
    const whole = open();
    const expected = train(new SplitSteps(whole), whole, 3);
    const trainer = open();
    const parts: number[] = [];
    const steps = new SplitSteps(cramped(trainer, most, parts));
    const { results, state } = train(steps, trainer, 3);
    expect(steps.parts).toBe(8 / most);
    // Once refused, it is not tried again with more.
    expect(parts.slice(-6)).toEqual(Array(6).fill(8 / most));
    for (const [i, result] of results.entries())
      for (const name of ['total', 'ce', 'gap'] as const)
        expect(result[name], `${name} ${i}`).toBeCloseTo(expected.results[i]![name], 4);
    for (const [name, { data }] of expected.state) {
      const got = state.get(name)!.data as Float32Array;
      const largest = Math.max(...Array.from(data as Float32Array, (v, k) => Math.abs(Number(v) - Number(got[k]))));
      // Adam divides a gradient by its own size, so rounding shows in weights whose gradient is next to nothing.
      expect(largest, name).toBeLessThan(name.startsWith('optim.') ? 1e-4 : 2e-3);
    }
  });

  it('gives up with advice when a single pair is too much', () => {
    const trainer = open();
    const steps = new SplitSteps(cramped(trainer, 0, []));
    expect(() => steps.take(micro(1, 2))).toThrow(/not enough memory for a single pair of clips .*grad_checkpoint/);
  });

  it('keeps pairs whole and parts equal: three pairs go one by one', () => {
    const trainer = open();
    const steps = new SplitSteps(cramped(trainer, 4, []));
    steps.take(micro(1, 3));
    expect(steps.parts).toBe(3);
  });

  it('has nothing staged once memory is short', () => {
    const given: unknown[] = [];
    const trainer: SplittableTrainer = {
      discard: () => {},
      accumulate({ labels, key }, _uniform, parts, next) {
        given.push([key, parts, next?.key]);
        if (key === 'b' && labels.length / parts > 2) throw new Error('RESOURCE_EXHAUSTED: OOM');
        return { total: 1 } as MicroResult;
      },
    };
    const steps = new SplitSteps(trainer);
    const next = (key: string) => ({ key, clips: new Uint8Array(1) });
    steps.take({ ...micro(1, 2), key: 'a' }, next('b'));
    steps.take({ ...micro(2, 2), key: 'b' }, next('c'));
    steps.take({ ...micro(3, 2), key: 'c' }, next('d'));
    expect(given).toEqual([
      ['a', 1, 'b'],
      ['b', 1, 'c'],
      ['a', 2, undefined],
      ['b', 2, undefined],
      ['c', 2, undefined],
    ]);
  });

  it('leaves other errors alone', () => {
    const trainer: SplittableTrainer = {
      discard: () => {},
      accumulate: () => {
        throw new Error('a bug');
      },
    };
    expect(() => new SplitSteps(trainer).take(micro(1, 2))).toThrow('a bug');
  });

  it.each([
    'RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[64,56,56] and type float on /device:GPU:0',
    'ResourceExhaustedError: failed to allocate memory',
    'std::bad_alloc',
    'Array buffer allocation failed',
    'WebAssembly.Memory.grow(): out of memory',
  ])('knows %j for what it is', (message) => {
    expect(isOutOfMemory(new Error(message))).toBe(true);
  });

  it('takes nothing else for it', () => {
    expect(isOutOfMemory(new Error('Expected a room of [2,3]'))).toBe(false);
    expect(isOutOfMemory('OOM')).toBe(false);
  });
});
