import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { debug } from '../../../model/index.js';
import { Budget } from '../../../operators/index.js';
import { Sampler } from '../../../pipeline/sampler.js';
import { planTraining } from '../../../pipeline/training/trainingPlan.js';
import { type StopReason, TrainingRun, type TrainingRunParts } from '../../../pipeline/training/trainingRun.js';
import type { ValidationResult } from '../../../pipeline/training/validation.js';

/* A run whose steps, validations and checkpoints take as long as a test says, by a clock that only the tests move. One
   step is an epoch, and each is validated. A second costs a dollar, and ten are kept for the end. */

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());
const pass = (seconds: number) => void vi.advanceTimersByTime(1000 * seconds);

const AUC = 0.75;
const result = { auc: AUC, ap: 0, eer: 0, accuracy: 0, inPair: 0, pairs: 1, ms: 0 } as ValidationResult;
/** What lasts until it is told to stop. */
const ended = (signal: AbortSignal) =>
  new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));

type Behaviour = {
  usd?: number;
  steps?: number;
  /** Seconds. */
  step?: number;
  save?: number;
  validate: (signal: AbortSignal, step: number) => Promise<ValidationResult | undefined>;
  signal?: AbortSignal;
};

async function run({ usd = 100, steps = 2, step = 0, save = 0, validate, signal }: Behaviour) {
  const config = {
    ...debug(),
    batch_size: 2,
    grad_accum: 1,
    val_every_epochs: 1,
    checkpoint_steps: 1000,
    checkpoint_minutes: 0,
  };
  const sampler = new Sampler({ ids: ['a'], seed: 1, pairsPerMicro: 1, gradAccum: 1 });
  const budget = new Budget({ costPerHour: 3600, maxBudget: usd, reserveHours: 10 / 3600 });
  const told = {
    saved: [] as { names: readonly string[]; step: number; at: number }[],
    validated: [] as unknown[],
    leftOut: [] as number[],
  };
  const ignored = { write: async () => {}, flush: async () => {} };
  let current = 0;
  const metrics = {
    ...ignored,
    write: async ({ kind, step, auc }: Record<string, unknown>) => {
      if (kind === 'val') told.validated.push([step, auc]);
    },
  };
  const actor = {
    micro: async () => {
      pass(step);
      return { result: {}, parts: 1, staging: false, ms: 1 };
    },
    apply: async (of: number) => {
      current = of;
      return { gradNorm: 1, lr: 1, skipped: false, ms: 1 };
    },
    save: async ({ names, state }: { names: readonly string[]; state: { step: number } }) => {
      pass(save);
      told.saved.push({ names, step: state.step, at: budget.spent() });
    },
  };
  const parts = {
    ...{ config, phase: 'baseline', configSections: {}, effectiveDtype: 'float32', threads: 1, budget, actor, sampler },
    plan: planTraining(config, sampler, { maxSteps: steps }),
    validation: { run: (abort: AbortSignal) => validate(abort, current) },
    synthesise: async () => ({ id: 'a', shape: [1, 1, 1, 3], bytes: new Uint8Array(6), stageMs: {}, counters: {} }),
    taskOf: () => ({}),
    folder: { checkpoints: '', assertThere: async () => {} },
    sinks: { metrics, batches: ignored, quarantine: ignored },
    signal: signal ?? new AbortController().signal,
    onStep: () => {},
    onValidation: () => {},
    onUnaffordable: (of: number) => told.leftOut.push(of),
  };
  const reason: StopReason = await new TrainingRun(parts as unknown as TrainingRunParts).run();
  return { reason, ...told };
}

describe('a validation as the money ends', () => {
  it('is broken off when there is just enough left to save, by what saving took so far', async () => {
    const ends: (number | string)[] = [];
    const { reason, saved, validated, leftOut } = await run({
      save: 10,
      validate: async (signal, step) => {
        if (step === 1) return result; // the best so far: saved
        const left = ended(signal);
        pass(74); // 100 − 10 − 74 is more than 1.5 × 10
        ends.push(signal.aborted ? 'early' : 'goes on');
        pass(2);
        ends.push(signal.aborted ? 'broken off' : 'late');
        return left;
      },
    });
    expect(ends).toEqual(['goes on', 'broken off']);
    expect([reason, validated, leftOut]).toEqual(['budget', [[1, AUC]], [2]]);
    expect(saved).toEqual([
      { names: ['best'], step: 1, at: 10 },
      { names: ['last'], step: 2, at: 96 },
    ]);
  });

  it('is not begun when no more is left than saving will take, which is said once', async () => {
    const { reason, saved, leftOut } = await run({
      step: 99, // one second left; saving is thought to take one and a half
      validate: async () => expect.unreachable(),
    });
    expect([reason, leftOut]).toEqual(['budget', [1]]);
    expect(saved).toMatchObject([{ names: ['last'], step: 1 }]);
  });

  it('is made with what is kept in reserve for it', async () => {
    const { reason, validated, leftOut } = await run({
      step: 40,
      validate: async (signal, step) => {
        pass(step === 1 ? 10 : 7.5); // 40 + 10 + 40 + 7.5, and 2.5 to save
        return signal.aborted ? undefined : result;
      },
      steps: 3,
    });
    expect([validated, leftOut]).toEqual([
      [
        [1, AUC],
        [2, AUC],
      ],
      [],
    ]);
    expect(reason).toBe('budget');
  });

  it('has no end where the money has none', async () => {
    const { reason, validated } = await run({
      usd: 0,
      steps: 1,
      validate: async (signal) => {
        pass(1e4);
        return signal.aborted ? undefined : result;
      },
    });
    expect([reason, validated]).toEqual(['max_steps', [[1, AUC]]]);
  });

  it('is broken off by a signal too, of which money is not blamed', async () => {
    const stop = new AbortController();
    const { reason, saved, leftOut } = await run({
      signal: stop.signal,
      validate: async (signal) => {
        const left = ended(signal);
        stop.abort();
        return left;
      },
    });
    expect([reason, leftOut]).toEqual(['signal', []]);
    expect(saved).toMatchObject([{ names: ['last'], step: 1 }]);
  });
});
