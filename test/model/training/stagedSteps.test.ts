import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { phaseA, phaseB, type StfConfig } from '../../../model/config/stfConfig.js';
import { FeedStaging } from '../../../model/engine/recording/feedStaging.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { Trainer } from '../../../model/training/trainer.js';
import { seededUniform } from './seededUniform.js';
import { darkerPairs, smallestNetwork } from './smallestNetwork.js';

const opened: { dispose(): void }[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const one of opened.splice(0).reverse()) one.dispose();
});
beforeAll(async () => {
  await startEngine('auto');
});

type Staging = StfConfig['engine']['staging'];
function open(staging: Staging, base: StfConfig = phaseA(), step: StfConfig['engine']['step'] = 'recorded') {
  const config: StfConfig = { ...base, ...smallestNetwork, num_heads: 2, engine: { ...base.engine, step, staging } };
  const model = new StfMamba(config, seededUniform(7));
  const trainer = new Trainer(model, config, { stepsPerEpoch: 4, totalSteps: 40 });
  opened.push(model, trainer);
  return trainer;
}

/** A row of micro-batches, the last ones of a step larger than the first. */
const micros = Array.from({ length: 8 }, (_, i) => ({
  ...darkerPairs(i, i % 2 === 0 ? 1 : 2),
  key: `${i}`,
  parts: i === 5 ? 2 : 1,
}));

/** Steps of two micro-batches, four unless told; returns all losses and the state after them. `next` says what goes along. */
function train(trainer: Trainer, next: (i: number) => number | undefined, count = micros.length) {
  const losses = micros.slice(0, count).map(({ clips, labels, key, parts }, i) => {
    const ahead = micros[next(i) ?? -1];
    const result = trainer.accumulate({ clips, labels, key }, seededUniform(100 + i), parts, ahead);
    if (i % 2 === 1) trainer.apply((i - 1) / 2);
    return result;
  });
  return { losses, state: trainer.exportState() };
}

const noRecorder = async () => {
  await startEngine('auto');
  return graphRecorder() === undefined;
};

describe.skipIf(await noRecorder())('steps whose clips are staged', () => {
  it('are the same to the last bit', () => {
    const expected = train(open('off'), () => undefined);
    expect(new Set(expected.losses.map(({ total }) => total)).size).toBe(micros.length);
    const beside = vi.spyOn(FeedStaging.prototype, 'beside');
    expect(train(open('on'), (i) => i + 1)).toEqual(expected);
    // All but that which comes after the one in parts.
    expect(beside.mock.calls.flatMap(([, next]) => next?.key ?? [])).toEqual(['1', '2', '3', '4', '5', '7']);
    // Not all are announced, and not all that are announced come.
    expect(train(open('on'), (i) => (i === 2 ? undefined : i === 3 ? 6 : i + 1))).toEqual(expected);
  }, 120_000);

  it('are the same with gradient checkpoints, which read the clips twice', () => {
    const config = { ...phaseB(), grad_checkpoint: true };
    const [plain, staged] = [open('off', config), open('on', config)];
    expect(train(staged, (i) => i + 1, 4)).toEqual(train(plain, () => undefined, 4));
  }, 120_000);

  it('are the same where they run eagerly, and nothing is staged', () => {
    const [eager, plain] = [open('on', phaseA(), 'eager'), open('off', phaseA(), 'eager')];
    expect(eager.staging).toBe(false);
    const beside = vi.spyOn(FeedStaging.prototype, 'beside');
    expect(train(eager, (i) => i + 1)).toEqual(train(plain, () => undefined));
    expect(beside).not.toHaveBeenCalled();
  }, 120_000);

  it('are staged by themselves on a GPU alone', () => {
    expect((['auto', 'on', 'off'] as const).map((staging) => open(staging).staging)).toEqual([false, true, false]);
    const trainer = open('auto');
    const beside = vi.spyOn(FeedStaging.prototype, 'beside');
    train(trainer, (i) => i + 1);
    expect(beside.mock.calls.every(([, next]) => next === undefined)).toBe(true);
  });

  it('refuse next clips of another size before they compute', () => {
    const trainer = open('on');
    const { clips, labels } = micros[0]!;
    const short = { key: 'short', clips: clips.slice(1) };
    expect(() => trainer.accumulate({ clips, labels }, seededUniform(1), 1, short)).toThrow(/Expected Uint8Array \[/);
  });
});
