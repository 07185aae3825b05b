import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig, type StfConfig, toSections } from '../../model/index.js';
import { Budget, JsonLines } from '../../operators/index.js';
import { type DataRoot, openDataRoot } from '../../pipeline/data/dataRoot.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { RunFolder } from '../../pipeline/run/runFolder.js';
import type { RunState } from '../../pipeline/run/runState.js';
import type { SaveRequest } from '../../pipeline/run/saveCheckpoint.js';
import { Sampler } from '../../pipeline/sampler.js';
import { SynthesisTasks } from '../../pipeline/synthesisTasks.js';
import type { TrainActorClient } from '../../pipeline/training/trainActorClient.js';
import { planTraining } from '../../pipeline/training/trainingPlan.js';
import { TrainingRun } from '../../pipeline/training/trainingRun.js';
import { compiledModule, SynthesisPool, type SynthesisPoolOptions } from '../../workers/index.js';

/* The whole flow but the network: sampler, pool, micro-batches, sinks, checkpointed state. What reaches the train actor
 * is written down in batches.jsonl, digests included, and has to be the same whatever happens to the workers. */

const STEPS = 7;
let folder: string;
let config: StfConfig;
let data: DataRoot;
let ids: string[];
/** What a run with one worker and no accidents writes. */
let clean: Run;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'determinism-'));
  await writeDemoData(join(folder, 'data'), { people: { train: 6, val: 0, test: 0 }, size: 64, runs: 1, runLength: 5 });
  data = await openDataRoot(join(folder, 'data'));
  ids = [...data.ids];
  await truncate(data.locate(ids[2]!).crops, 1000);
  const text = await readFile(join(projectFolder, 'configs', 'v8_debug.yaml'), 'utf8');
  const overrides = [
    ...['data.batch_size=4', 'training.gradient_accumulation_steps=2', 'training.checkpoint_steps=1'],
    ...['failures.max_rate=1', 'data.prefetch_batches=2'],
  ];
  config = resolveConfig({ preset: 'a', yaml: { text, file: 'v8_debug.yaml' }, overrides }).config;
  clean = await train('clean', { threads: 1 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Run = { batches: string; quarantine: string; states: RunState[] };

/** Answers like the train actor and remembers every state it is asked to save. */
class PretendedActor {
  readonly states: RunState[] = [];
  async micro() {
    const result = { total: 1, ce: 1, pair: 0, frame: 0, hll: 0, gap: 0, hllReal: 0, hllFake: 0, hllDefined: 0 };
    return { result, ms: 1 };
  }
  async apply() {
    return { gradNorm: 1, lr: 1e-3, skipped: false, ms: 1 };
  }
  async save({ state }: SaveRequest) {
    this.states.push(structuredClone(state) as RunState);
    return { saved: [] };
  }
}

/** Trains from the start or from a state to the last step, in a folder of that name, and returns what it left there. */
async function train(name: string, pooled: SynthesisPoolOptions, resumed?: RunState): Promise<Run> {
  const run = await RunFolder.at(join(folder, name));
  const sampler = new Sampler({ ids, seed: config.seed, pairsPerMicro: 2, gradAccum: config.grad_accum });
  const pool = new SynthesisPool(pooled);
  const actor = new PretendedActor();
  if (resumed) await run.rewindTo(resumed);
  const sinks = {
    metrics: await JsonLines.open(run.file('metrics.jsonl')),
    batches: await JsonLines.open(run.file('batches.jsonl')),
    quarantine: await JsonLines.open(run.file('quarantine.jsonl')),
  };
  const tasks = new SynthesisTasks(config, data);
  try {
    await new TrainingRun({
      effectiveDtype: 'float32',
      ...{ config, sampler, sinks, folder: run, phase: 'a', configSections: toSections(config) },
      plan: planTraining(config, sampler, { maxSteps: STEPS }, resumed),
      actor: actor as unknown as TrainActorClient,
      synthesise: (task, signal) => pool.run(task, { signal }),
      taskOf: (plan, clip) => tasks.training(plan, clip),
      threads: pool.maxThreads,
      budget: new Budget({ costPerHour: 0, maxBudget: 0 }),
      signal: new AbortController().signal,
      ...(resumed ? { resumed } : {}),
      onStep: () => {},
      onValidation: () => {},
    }).run();
  } finally {
    await pool.destroy();
    await Promise.all(Object.values(sinks).map((sink) => sink.close()));
  }
  const read = (file: string) => readFile(run.file(file), 'utf8');
  return { batches: await read('batches.jsonl'), quarantine: await read('quarantine.jsonl'), states: actor.states };
}

/** A worker that does what `mood` says at the first attempt at some positions, and then works. */
async function accidents(name: string, mood: string): Promise<string> {
  const file = join(folder, `${name}.mjs`);
  const marks = join(folder, `${name}-marks`);
  await mkdir(marks);
  const real = compiledModule('../../workers/pool/synthesisWorker.js', import.meta.url);
  await writeFile(
    file,
    `import { mkdirSync } from 'node:fs';
import work from ${JSON.stringify(real)};
export default async (task) => {
  const { epoch, position } = task.key;
  const at = epoch * 8 + position;
  let first = true;
  try { mkdirSync(${JSON.stringify(marks)} + '/' + task.source.id + '-' + at); } catch { first = false; }
  if (first) { ${mood} }
  return work(task);
};`,
  );
  return file;
}

describe('batches.jsonl', { timeout: 240_000 }, () => {
  it('of a clean run lists every step, and each broken clip once in quarantine.jsonl', () => {
    const rows = clean.batches
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ step, micro }) => [step, micro])).toEqual(
      Array.from({ length: 2 * STEPS }, (_, i) => [1 + Math.floor(i / 2), i % 2]),
    );
    expect(new Set(rows.map(({ sha256 }) => sha256)).size).toBe(2 * STEPS);
    expect(
      clean.quarantine
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([expect.objectContaining({ clip: ids[2], stage: 'read' })]);
    expect(clean.states.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
  });

  it.each([2, 4])('is the same with %i workers', async (threads) => {
    const run = await train(`threads-${threads}`, { threads });
    expect(run.batches).toBe(clean.batches);
    expect(run.quarantine).toBe(clean.quarantine);
  });

  it.each([1, 3])(
    'is the same with %i workers that crash, throw, dawdle and are replaced all the time',
    async (threads) => {
      const workerFile = await accidents(
        `crashes-${threads}`,
        `if (at % 10 === 1) process.exit(9);
       if (at % 10 === 4) { setTimeout(() => { throw new Error('out of nowhere'); }, 1); await new Promise(() => {}); }
       await new Promise((resolve) => setTimeout(resolve, (at * 53) % 120));`,
      );
      const run = await train(`run-crashes-${threads}`, { threads, workerFile, recycleAfter: 7 });
      expect(run.batches, run.quarantine).toBe(clean.batches);
      // A worker may have died once with the broken clip before another found it broken.
      expect(run.quarantine.replace(/"attempts":2/, '"attempts":1')).toBe(clean.quarantine);
    },
  );

  it('is the same when the run is resumed after every single step, by other numbers of workers', async () => {
    for (const state of clean.states.slice(0, -1)) {
      const name = `resumed-${state.step}`;
      // What a run leaves that was killed some time after this checkpoint: later lines are there, and have to go.
      await cp(join(folder, 'clean'), join(folder, name), { recursive: true });
      const run = await train(name, { threads: 1 + (state.step % 2) }, state);
      expect(run.batches, name).toBe(clean.batches);
      expect(run.quarantine, name).toBe(clean.quarantine);
      const { samples, failed, step } = clean.states.at(-1)!;
      expect(run.states.at(-1), name).toMatchObject({ samples, failed, step });
    }
  });
});
