import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { debug } from '../../../model/index.js';
import type { Comparison } from '../../../pipeline/sweep/comparison.js';
import { executeSweep, type SweepLimits } from '../../../pipeline/sweep/executeSweep.js';
import type { PlannedRun } from '../../../pipeline/sweep/sweepPlan.js';

/* A stand-in for train that spends money and hours without taking any. */

let out: string;
let now: number;
let calls: { name: string; budget: number | undefined }[];
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'stf-money-'));
  now = 0;
  calls = [];
});
afterEach(() => rm(out, { recursive: true }));

const HOUR = 3_600_000;
const runs = (...names: string[]): PlannedRun[] =>
  names.map((variant) => ({
    ...{
      variant,
      seed: 1,
      name: variant,
      folder: join(out, variant),
      dataRoot: '/data',
      args: ['--out', join(out, variant)],
      settings: {},
    },
    config: { ...debug(), cost_per_hour: 1, budget_reserve_hours: 0.1 },
  }));

/** A run's behaviour: hours it would like, exit code, hours it takes to start that its own account does not see. */
type Fake = { wants: number; code?: number; startUp?: number };

async function make(plan: PlannedRun[], limits: SweepLimits, fakes: Record<string, Fake>): Promise<number> {
  return executeSweep({
    ...{ runs: plan, out, limits, reference: plan[0]!.variant, say: () => {}, clock: () => now },
    start: (_, args, log) => {
      const name = plan.find(({ folder }) => folder === dirname(log))!.name;
      const budget = args.includes('--budget') ? Number(args[args.indexOf('--budget') + 1]) : undefined;
      calls.push({ name, budget });
      return { ended: train(dirname(log), budget, fakes[name]!), pid: undefined, stop: () => {} };
    },
  });
}

async function train(folder: string, budget = Number.POSITIVE_INFINITY, { wants, code = 0, startUp = 0 }: Fake) {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'summary.json');
  const before = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as { spent_usd: number }).spent_usd,
    () => 0,
  );
  const affordable = budget - 0.1; // train ends while the reserve is left
  const spent_usd = Math.min(wants, affordable);
  now += (spent_usd - before + startUp) * HOUR;
  if (code === 0)
    await writeFile(file, JSON.stringify({ spent_usd, stop_reason: wants > affordable ? 'budget' : 'finished' }));
  return { code, signal: null, error: code === 0 ? undefined : 'it broke' };
}

const comparison = async () => JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8')) as Comparison;

describe('the budget of a sweep', () => {
  it('is shared evenly, and what one run leaves goes to the others', async () => {
    const plan = runs('thrifty', 'greedy', 'last');
    expect(await make(plan, { budget: 3 }, { thrifty: { wants: 0.4 }, greedy: { wants: 9 }, last: { wants: 9 } })).toBe(
      0,
    );
    // 3 / 3; then (3 − 0.4) / 2; greedy stops with the reserve of 0.1, which is left to the last one.
    expect(calls.map(({ budget }) => budget)).toEqual([1, 1.3, 1.4]);
    const { spent_usd, runs: rows } = await comparison();
    expect(rows.map(({ stop_reason }) => stop_reason)).toEqual(['finished', 'budget', 'budget']);
    expect(spent_usd).toBeCloseTo(0.4 + 1.2 + 1.3, 9);
  });

  it('counts starting up and failing, which no run has in its own account', async () => {
    const plan = runs('a', 'b', 'c');
    const code = await make(
      plan,
      { budget: 3 },
      { a: { wants: 0.5, startUp: 0.1 }, b: { wants: 0.5, code: 4 }, c: { wants: 9 } },
    );
    expect(code).toBe(4);
    // b: (3 − 0.6) / 2 less the 0.1 that starting took; c: 3 − 0.6 − 0.5 less the same
    expect(calls.map(({ budget }) => budget)).toEqual([1, 1.1, 1.8]);
    const { spent_usd, runs: rows } = await comparison();
    expect(rows.map(({ status, error }) => [status, error])).toEqual([
      ['done', null],
      ['failed', 'it broke'],
      ['done', null],
    ]);
    expect(spent_usd).toBeCloseTo(0.6 + 0.5 + 1.7, 9);
  });

  it('does not begin a run with less than its reserve', async () => {
    const plan = runs('a', 'b');
    expect(await make(plan, { budget: 0.5 }, { a: { wants: 0.15, startUp: 0.3 }, b: { wants: 1 } })).toBe(0);
    expect(calls.map(({ name }) => name)).toEqual(['a']);
    expect((await comparison()).runs[1]).toMatchObject({ status: 'no_money', stop_reason: null, spent_usd: 0 });
  });

  it('makes finished runs again only for more steps, and those without money for more of it', async () => {
    const plan = runs('a', 'b');
    const fakes = { a: { wants: 0.3 }, b: { wants: 2 } };
    await make(plan, { budget: 1 }, fakes);
    await make(plan, { budget: 1 }, fakes);
    expect(calls.map(({ name }) => name)).toEqual(['a', 'b']);
    await make(plan, { budget: 3 }, fakes); // b had stopped for want of money: 0.6 spent, 3 − 0.3 − 0.6 to come
    expect(calls.slice(2)).toEqual([{ name: 'b', budget: expect.closeTo(0.6 + 2.1, 6) }]);
    await make(plan, { budget: 3, maxSteps: 9 }, fakes);
    expect(calls.slice(3).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('lets no second sweep into the folder, and reads no state that is not one', async () => {
    const plan = runs('a');
    let second: Promise<unknown> = Promise.resolve();
    await executeSweep({
      ...{ runs: plan, out, limits: {}, reference: 'a', say: () => {} },
      start: (_, __, log) => {
        second = expect(make(plan, {}, { a: { wants: 0 } })).rejects.toThrow(/another sweep is at work in/);
        return { ended: second.then(() => train(dirname(log), 1, { wants: 0 })), pid: undefined, stop: () => {} };
      },
    });
    await second;
    await writeFile(join(out, 'sweep.json'), '{"version":9}');
    await expect(make(plan, {}, { a: { wants: 0 } })).rejects.toThrow(/sweep\.json: expected the state of a sweep/);
  });
});

/** What evaluate leaves, as far as a sweep and a report look at it. */
async function writeEvaluation(folder: string): Promise<void> {
  const auc = { value: 0.75, interval: { low: 0.6, high: 0.9 } };
  const figures = { all: { auc }, oneClip: { auc } };
  const result = {
    ...{ format: 'stf-mamba-evaluation', version: 1, failed: [], roc: { pooled: [], methods: [] } },
    ...{ checkpoint: {}, engine: {}, data: {}, clips: {}, videos: {}, bootstrap: {}, hll: {}, methods: [] },
    ...{ pooled: figures, paired: { share: { value: 0.8, interval: null } } },
  };
  await mkdir(join(folder, 'evaluation-test'), { recursive: true });
  await writeFile(join(folder, 'evaluation-test', 'evaluation.json'), JSON.stringify(result));
  await writeFile(join(folder, 'evaluation-test', 'evaluation.csv'), 'id\r\n');
}

describe('the evaluation of a sweep', () => {
  /** Trains for nothing and evaluates to an AUC of 0.75; `broken` does not evaluate, and from two steps on nobody. */
  async function makeAndEvaluate(names: string[], begun: string[], maxSteps = 1): Promise<Comparison> {
    const plan = runs(...names);
    const code = await executeSweep({
      ...{ runs: plan, out, limits: { budget: 9, maxSteps }, reference: names[0]!, evaluate: 'test', say: () => {} },
      clock: () => now,
      start: (command, args, log) => {
        const folder = dirname(log);
        begun.push(`${command} ${basename(folder)}`);
        const done = async () => {
          if (command === 'train') return train(folder, 5, { wants: 1 });
          if (folder.endsWith('broken') || maxSteps > 1) return { code: 2, signal: null, error: 'no fakes' };
          expect(args.slice(0, 8)).toEqual([
            ...['--checkpoint', join(folder, 'checkpoints', 'last.safetensors'), '--split', 'test'],
            ...['--data-root', '/data', '--out', join(folder, 'evaluation-test')],
          ]);
          await writeEvaluation(folder);
          return { code: 0, signal: null, error: undefined };
        };
        return { ended: done(), pid: undefined, stop: () => {} };
      },
    });
    expect(code).toBe(names.includes('broken') ? 2 : 0);
    return comparison();
  }

  it('follows each finished run, once, and a run that cannot be evaluated stays a run that the exit code tells of', async () => {
    const begun: string[] = [];
    await makeAndEvaluate(['good'], begun);
    expect(begun).toEqual(['train good', 'evaluate good']);
    const first = await makeAndEvaluate(['good', 'broken'], begun);
    expect(begun).toEqual(['train good', 'evaluate good', 'train broken', 'evaluate broken']);
    expect(first.evaluated_on).toBe('test');
    expect(first.runs[0]).toMatchObject({ status: 'done', test_auc: 0.75, test_auc_low: 0.6, test_paired: 0.8 });
    expect(first.runs[1]).toMatchObject({ status: 'done', test_auc: null, test_paired: null });
    expect(first.variants.map(({ test_auc_mean }) => test_auc_mean)).toEqual([0.75, null]);
    const table = await readFile(join(out, 'comparison.md'), 'utf8');
    expect(table).toContain('test AUC');
    expect(table).toContain('0.750 (0.60–0.90)');

    begun.length = 0;
    await makeAndEvaluate(['good', 'broken'], begun);
    expect(begun).toEqual(['evaluate broken']);

    // What has gone on is another checkpoint than the one that was evaluated.
    const further = await makeAndEvaluate(['good', 'broken'], begun, 2);
    expect(further.runs[0]).toMatchObject({ status: 'done', test_auc: null });
  });

  it('is paid for by the sweep, and left out when nothing is left', async () => {
    const plan = runs('a', 'b');
    const begun: string[] = [];
    const budgets: number[] = [];
    const sweep = (budget: number, hours: number) =>
      executeSweep({
        ...{ runs: plan, out, limits: { budget }, reference: 'a', evaluate: 'test', say: () => {}, clock: () => now },
        start: (command, args, log) => {
          const folder = dirname(log);
          begun.push(`${command} ${basename(folder)}`);
          const granted = Number(args[args.indexOf('--budget') + 1]);
          if (command === 'train') budgets.push(granted);
          const evaluate = async () => {
            now += hours * HOUR;
            await writeEvaluation(folder);
            return { code: 0, signal: null, error: undefined };
          };
          const ended = command === 'train' ? train(folder, granted, { wants: 9 }) : evaluate();
          return { ended, pid: undefined, stop: () => {} };
        },
      });
    // a: 4 / 2, spends all but its reserve of 0.1, and 0.5 to be evaluated. b: what is left, less the same for its own
    // evaluation: 4 − 1.9 − 0.5 − 0.5 = 1.1.
    expect(await sweep(4, 0.5)).toBe(0);
    expect(begun).toEqual(['train a', 'evaluate a', 'train b', 'evaluate b']);
    expect(budgets).toEqual([2, 1.1]);
    expect((await comparison()).spent_usd).toBeCloseTo(1.9 + 0.5 + 1 + 0.5, 9);

    await rm(out, { recursive: true });
    begun.length = 0;
    expect(await sweep(2, 1.2)).toBe(0); // 0.9 and 1.2: more than there is
    expect(begun).toEqual(['train a', 'evaluate a']);
    begun.length = 0;
    expect(await sweep(2, 1.2)).toBe(0);
    expect(begun).toEqual([]);
    expect((await comparison()).runs.map(({ status, test_auc }) => [status, test_auc])).toEqual([
      ['done', 0.75],
      ['no_money', null],
    ]);
  });

  it('is not begun without money', async () => {
    const begun: string[] = [];
    await executeSweep({
      ...{ runs: runs('a'), out, limits: { budget: 1 }, reference: 'a', evaluate: 'test', say: () => {} },
      clock: () => now,
      start: (command, _, log) => {
        begun.push(command);
        // Starting and ending took more than the reserve.
        const ended = train(dirname(log), 1, { wants: 9, startUp: 0.2 });
        return { ended, pid: undefined, stop: () => {} };
      },
    });
    expect(begun).toEqual(['train']);
  });

  it('reads no state of another shape', async () => {
    for (const [content, said] of [
      ['{"version":1,"runs":null}', /sweep\.json: expected the state of a sweep \(runs: .*\); move the file away/],
      ['{"version":1,"runs":{"a":5}}', /\(runs\.a: .*expected object/],
      ['{"version":1,"runs":{"a":{"status":"done"}}}', /\(runs\.a\.settings: /],
      ['{', /expected the state of a sweep/],
    ] as const) {
      await writeFile(join(out, 'sweep.json'), content);
      await expect(make(runs('a'), {}, { a: { wants: 0 } })).rejects.toThrow(said);
    }
  });
});

describe('a signal to a sweep', () => {
  it.each([
    [/^run 2 of 2/, ['train a', 'evaluate a']],
    [/^evaluating a/, ['train a']],
  ])('that comes just before a command is started keeps it from starting: %s', async (moment, begun) => {
    const started: string[] = [];
    const code = await executeSweep({
      ...{ runs: runs('a', 'b'), out, limits: { budget: 9 }, reference: 'a', evaluate: 'test', clock: () => now },
      say: (line) => {
        if (moment.test(stripVTControlCharacters(line))) process.emit('SIGTERM');
      },
      start: (command, _, log) => {
        const folder = dirname(log);
        started.push(`${command} ${basename(folder)}`);
        const evaluated = async () => ({ code: 0, signal: null, error: undefined });
        const ended = command === 'train' ? train(folder, 5, { wants: 1 }) : evaluated();
        return { ended, pid: undefined, stop: () => {} };
      },
    });
    expect([code, started]).toEqual([143, begun]);
  });
});
