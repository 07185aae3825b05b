import { describe, expect, it } from 'vitest';
import { resolveConfig, toSections } from '../../model/index.js';
import type { RunState } from '../../pipeline/run/runState.js';
import { Sampler } from '../../pipeline/sampler.js';
import { checkNumerics, checkResumable, type Numerics } from '../../pipeline/training/resumeCheck.js';
import { planTraining } from '../../pipeline/training/trainingPlan.js';

const { config } = resolveConfig({ preset: 'debug', overrides: ['training.num_epochs=10'] });
const sampler = new Sampler({ ids: ['a', 'b', 'c'], seed: 1, pairsPerMicro: 1, gradAccum: 1 });
const stateAt = (step: number, scheduleSteps: number) =>
  ({ step, scheduleSteps, phase: 'a', config: toSections(config) }) as RunState;

describe('planTraining', () => {
  it('runs all epochs unless told otherwise', () => {
    expect(planTraining(config, sampler, {})).toMatchObject({
      firstStep: 1,
      lastStep: 30,
      scheduleSteps: 30,
      endsBy: 'finished',
    });
  });
  it('lets --max-steps alone set length and schedule, and only cut short beside --epochs', () => {
    expect(planTraining(config, sampler, { maxSteps: 50 })).toMatchObject({
      lastStep: 50,
      scheduleSteps: 50,
      endsBy: 'max_steps',
    });
    expect(planTraining(config, sampler, { maxSteps: 7, epochs: 10 })).toMatchObject({
      lastStep: 7,
      scheduleSteps: 30,
    });
  });
  it('keeps the schedule of a resumed run, and says so when it is asked to go beyond its end', () => {
    expect(planTraining(config, sampler, { maxSteps: 8 }, stateAt(5, 30))).toMatchObject({
      firstStep: 6,
      lastStep: 8,
      scheduleSteps: 30,
      warnings: [],
    });
    const longer = planTraining(config, sampler, { maxSteps: 40 }, stateAt(5, 30));
    expect(longer).toMatchObject({ firstStep: 6, lastStep: 40, scheduleSteps: 40 });
    expect(longer.warnings[0]).toMatch(/planned for 30 steps and now goes to 40/);
  });
});

describe('checkResumable', () => {
  const changed = (override: string) =>
    resolveConfig({ preset: 'debug', overrides: ['training.num_epochs=10', override] }).config;
  it('accepts and lists harmless changes', () => {
    expect(checkResumable('f', stateAt(1, 1), 'a', config)).toEqual([]);
    expect(checkResumable('f', stateAt(1, 1), 'a', changed('data.num_workers=3'))).toEqual([
      'data.num_workers: 8 in the checkpoint, 3 now',
    ]);
  });
  it('refuses changes of samples, weights or phase, showing both values', () => {
    expect(() => checkResumable('f', stateAt(1, 1), 'a', changed('training.seed=7'))).toThrow(
      /cannot resume from f[\s\S]*training\.seed: 42 in the checkpoint, 7 now/,
    );
    expect(() => checkResumable('f', stateAt(1, 1), 'baseline', config)).toThrow(/--phase: a in the checkpoint/);
  });
  it('accepts another codec or precision only from somebody who asks for it by name', () => {
    const jpeg = changed('sbi.codec=jpeg');
    expect(() => checkResumable('f', stateAt(1, 1), 'a', jpeg, undefined, ['sbi.codecs=jpeg'])).toThrow(
      /sbi\.codec: "auto" in the checkpoint, "jpeg" now/,
    );
    expect(checkResumable('f', stateAt(1, 1), 'a', jpeg, undefined, ['sbi.codec=jpeg'])).toEqual([
      expect.stringMatching(/sbi\.codec: "auto" in the checkpoint, "jpeg" now \(.*compressed in another way\)/),
    ]);
    expect(() =>
      checkResumable('f', stateAt(1, 1), 'a', changed('training.seed=7'), undefined, ['training.seed=7']),
    ).toThrow(/training\.seed/);
  });
});

describe('checkNumerics', () => {
  const bfloat16 = { effectiveDtype: 'bfloat16', codecDigest: 'abc' } as const;
  const h264 = { name: 'ffmpeg', reason: 'works' };
  const jpeg = { name: 'jpeg', reason: 'node-av: not there' };
  const check = (
    state: Pick<RunState, 'effectiveDtype' | 'codecDigest'>,
    now: Partial<Numerics>,
    ...set: string[]
  ): void => checkNumerics('f', state, { dtype: 'bfloat16', dtypeReason: 'as asked', codec: h264, ...now }, set);

  it('lets a run go on where it computes and compresses as before, or nothing is compressed', () => {
    check(bfloat16, {});
    check(bfloat16, { codec: undefined });
    check({ effectiveDtype: 'float32' }, { dtype: 'float32', codec: jpeg });
    check({ effectiveDtype: 'float32', codecDigest: 'jpeg' }, { codec: jpeg });
  });
  it('refuses JPEG in place of H.264 and float32 in place of bfloat16, and says what can be done', () => {
    const now = { dtype: 'float32', dtypeReason: 'no avx512_bf16', codec: jpeg } as const;
    expect(() => check(bfloat16, now)).toThrow(
      /^cannot resume from f.*\n {2}products .*float32 now: no avx512_bf16.*--set training\.amp_dtype=float32\n {2}clips .*JPEG now: node-av: not there.*--set sbi\.codec=jpeg$/,
    );
    expect(() => check({ ...bfloat16, codecDigest: 'jpeg' }, {})).toThrow(/as JPEG in the checkpoint, as H\.264 now/);
    check(bfloat16, now, 'training.amp_dtype=float32', 'sbi.codec=jpeg');
    expect(() => check(bfloat16, now, 'training.amp_dtype=float32')).toThrow(/sbi\.codec/);
  });
});
