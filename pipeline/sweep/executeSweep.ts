import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pc from 'picocolors';
import { writeAtomically } from '../../model/index.js';
import { type Clock, monotonicClock } from '../../operators/index.js';
import type { SplitName } from '../data/splits.js';
import { EXIT } from '../exitCodes.js';
import { usd } from '../usd.js';
import { UserError } from '../userError.js';
import { changedSettings } from './changedSettings.js';
import { type CommandEnd, type CommandName, CommandProcess, stillTrains } from './commandProcess.js';
import { type Comparison, compare } from './comparison.js';
import { comparisonCsv, comparisonMarkdown, comparisonText } from './comparisonTable.js';
import { evaluationFolder, readRunResult } from './runResult.js';
import type { PlannedRun } from './sweepPlan.js';
import { type RunLimits, type RunRecord, SweepState } from './sweepState.js';

export type SweepLimits = RunLimits & {
  /** USD for all runs together; undefined only where the machine costs nothing. */
  budget?: number;
};

/** A run at work: a process, or what stands in for it. */
export type StartedRun = {
  readonly ended: Promise<CommandEnd>;
  readonly pid: number | undefined;
  stop(signal: NodeJS.Signals): void;
};

export type SweepParts = {
  runs: readonly PlannedRun[];
  /** The sweep's folder. */
  out: string;
  limits: SweepLimits;
  /** Variant that the others are compared with. */
  reference: string;
  /** Finished runs are evaluated on the real and fake videos of this split. */
  evaluate?: SplitName;
  say: (line: string) => void;
  /** Default: the command itself. */
  start?: (command: CommandName, args: readonly string[], log: string, say: (line: string) => void) => StartedRun;
  clock?: Clock;
};

/** So often the money spent is written down while a run trains: what a killed sweep may forget. */
const METER_MS = 10_000;
const MS_PER_HOUR = 3_600_000;

/**
 * Makes the runs one after the other. A finished run is not made again, a broken one goes on from its last checkpoint,
 * and one that fails does not keep the others from being made. The comparison is written after every run.
 *
 * @returns the process's exit code: 0 when all runs are done or the money is; that of the first failed run, or else of the
 *   first evaluation that failed; 130 or 143 after a signal.
 */
export async function executeSweep(parts: SweepParts): Promise<number> {
  const state = await SweepState.open(resolve(parts.out));
  try {
    return await new Sweep(parts, state).run();
  } finally {
    await state.release().catch(() => {});
  }
}

/** A run as options of train: its own, where it goes on, how long it is to be and the money for it in US dollars. */
export const trainArgs = ({ args }: PlannedRun, { maxSteps, epochs }: RunLimits, money: number): string[] => [
  ...args,
  ...['--resume', 'auto'],
  ...(maxSteps === undefined ? [] : ['--max-steps', String(maxSteps)]),
  ...(epochs === undefined ? [] : ['--epochs', String(epochs)]),
  ...(Number.isFinite(money) ? ['--budget', money.toFixed(6)] : []),
];

class Sweep {
  readonly #runs: readonly PlannedRun[];
  readonly #limits: SweepLimits;
  readonly #say: (line: string) => void;
  readonly #start: NonNullable<SweepParts['start']>;
  readonly #clock: Clock;
  readonly #reference: string;
  readonly #evaluateSplit: SplitName | undefined;
  #stopped: number | undefined;
  #current: StartedRun | undefined;
  /** Exit code of the first evaluation that failed; null where it had none. */
  #failedEvaluation: number | null | undefined;
  /** Runs that this call has made or tried to. */
  readonly #turns = new Set<string>();

  constructor(
    { runs, limits, reference, evaluate, say, start, clock = monotonicClock }: SweepParts,
    private readonly state: SweepState,
  ) {
    this.#runs = runs;
    this.#limits = limits;
    this.#reference = reference;
    this.#evaluateSplit = evaluate;
    this.#say = say;
    this.#start = start ?? ((command, args, log, tell) => new CommandProcess(command, args, log, tell));
    this.#clock = clock;
  }

  async run(): Promise<number> {
    await this.#checkSettings();
    const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => {
      const handler = () => {
        if (signal === 'SIGHUP') return this.#say('the terminal has gone (SIGHUP); the sweep goes on');
        this.#stopped = signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm;
        this.#current?.stop(signal);
      };
      process.on(signal, handler);
      return () => process.off(signal, handler);
    });
    try {
      for (const [index, run] of this.#runs.entries()) {
        if (this.#stopped !== undefined) break;
        const title = `run ${index + 1} of ${this.#runs.length}: ${run.name}`;
        if (this.#isDone(run, await readRunResult(run.folder))) this.#say(pc.bold(`${title}: done already`));
        else await this.#make(run, title);
        await this.#evaluate(run);
        await this.#writeComparison();
      }
      const comparison = await this.#writeComparison();
      this.#say(`\n${comparisonText(comparison)}\n\n${join(this.state.folder, 'comparison.md')} (and .csv, .json)`);
    } finally {
      for (const release of handlers) release();
    }
    return this.#exitCode();
  }

  /** A folder whose run was begun as something else would be compared as what it is not. */
  async #checkSettings(): Promise<void> {
    for (const run of this.#runs) {
      const record = this.state.get(run.name);
      if (!record) continue;
      const changed = changedSettings(record.settings, run.settings);
      if (changed.length > 0)
        throw new UserError(
          `${run.folder} was begun with other settings (${changed.join('; ')}); give another --out for a new sweep`,
        );
      if (record.pid !== undefined && (await stillTrains(record.pid, run.folder)))
        throw new UserError(
          `an earlier sweep was killed, but its run still trains into ${run.folder} (process ${record.pid}); wait for it, or stop it with: kill ${record.pid}`,
        );
    }
  }

  #isDone(run: PlannedRun, result: { stop_reason: string | null }): boolean {
    const record = this.state.get(run.name);
    if (record?.status !== 'done') return false;
    const { maxSteps, epochs, budget } = record.limits;
    const more = maxSteps !== this.#limits.maxSteps || epochs !== this.#limits.epochs;
    const richer = result.stop_reason === 'budget' && (this.#limits.budget ?? Infinity) > (budget ?? Infinity);
    return !more && !richer;
  }

  /** What a run has cost: by its own log or by this sweep's clock, whichever saw more; and what evaluating it has. */
  async #spent(run: PlannedRun): Promise<number> {
    const { spent_usd } = await readRunResult(run.folder);
    const { meteredUsd = 0, evaluationUsd = 0 } = this.state.get(run.name) ?? {};
    return Math.max(spent_usd, meteredUsd) + evaluationUsd;
  }

  /** What is left of the budget. */
  async #left(): Promise<number> {
    let left = this.#limits.budget ?? Number.POSITIVE_INFINITY;
    for (const run of this.#runs) left -= await this.#spent(run);
    return left;
  }

  /** An even share of what is left for each run that is still to come, this one included. */
  async #share(): Promise<number> {
    let open = 0;
    for (const run of this.#runs) {
      const { status } = this.state.get(run.name) ?? {};
      // Failed runs of this call have had their turn; those of an earlier one count as pending until they have.
      if (!this.#turns.has(run.name) && !(status === 'done' && this.#isDone(run, await readRunResult(run.folder))))
        open++;
    }
    return (await this.#left()) / Math.max(open, 1);
  }

  /** What a run costs beyond its own account: starting, ending and evaluating it. The most that a finished one has shown. */
  async #overhead(): Promise<number> {
    let most = 0;
    for (const run of this.#runs) {
      const record = this.state.get(run.name);
      if (record?.status !== 'done') continue;
      const own = record.meteredUsd - (await readRunResult(run.folder)).spent_usd;
      most = Math.max(most, Math.max(0, own) + (record.evaluationUsd ?? 0));
    }
    return most;
  }

  async #make(run: PlannedRun, title: string): Promise<void> {
    const { cost_per_hour, budget_reserve_hours } = run.config;
    const share = (await this.#share()) - (await this.#overhead());
    this.#turns.add(run.name);
    const before = this.state.get(run.name);
    const record: RunRecord = {
      status: 'running',
      settings: run.settings,
      limits: this.#limits,
      meteredUsd: before?.meteredUsd ?? 0,
      ...(before?.evaluationUsd === undefined ? {} : { evaluationUsd: before.evaluationUsd }),
    };
    const reserve = cost_per_hour * budget_reserve_hours;
    if (cost_per_hour > 0 && share <= reserve) {
      const error = `${usd(Math.max(0, share))} left for it, not more than the reserve of ${usd(reserve)} that ends a run`;
      this.#say(pc.yellow(`${title}: ${error}`));
      await this.state.set(run.name, { ...record, status: 'no_money', error });
      return;
    }
    const already = (await readRunResult(run.folder)).spent_usd;
    const args = trainArgs(run, this.#limits, already + share);
    this.#say(pc.bold(`${title}${cost_per_hour > 0 ? ` with ${usd(share)}` : ''}`));
    await mkdir(run.folder, { recursive: true });
    if (this.#stopped !== undefined) return;
    const begun = this.#clock();
    const child = this.#start('train', args, join(run.folder, 'train.log'), (line) =>
      this.#say(`[${run.name}] ${line}`),
    );
    this.#current = child;
    if (child.pid !== undefined) record.pid = child.pid;
    await this.state.set(run.name, record);
    const { code, signal, error } = await this.#metered(run, record, 'meteredUsd', child, begun);
    record.exitCode = code;
    delete record.pid;
    record.status = code === EXIT.done ? 'done' : this.#stopped === undefined ? 'failed' : 'interrupted';
    if (record.status === 'failed') {
      record.error = error ?? (signal ? `ended by ${signal}` : `exit code ${code}`);
      this.#say(pc.red(`${run.name} failed: ${record.error}`));
    }
    await this.state.set(run.name, record);
  }

  /** Adds to `record` what the machine costs from `begun` until the command has ended, and keeps it. */
  async #metered(
    run: PlannedRun,
    record: RunRecord,
    account: 'meteredUsd' | 'evaluationUsd',
    child: StartedRun,
    begun: number,
    onBeat: () => void = () => {},
  ): Promise<CommandEnd> {
    const before = record[account] ?? 0;
    const count = () => {
      record[account] = before + ((this.#clock() - begun) / MS_PER_HOUR) * run.config.cost_per_hour;
    };
    let saving: Promise<void> = Promise.resolve();
    const meter = setInterval(() => {
      count();
      saving = saving.then(() => this.state.set(run.name, record)).catch(() => {}); // the next one may succeed
      onBeat();
    }, METER_MS);
    const end = await child.ended;
    clearInterval(meter);
    await saving;
    this.#current = undefined;
    count();
    return end;
  }

  /**
   * Evaluates a finished run's best checkpoint, once, as long as there is money. What it costs is the sweep's and not the
   * run's: there is nothing in it that a run could save.
   */
  async #evaluate(run: PlannedRun): Promise<void> {
    const split = this.#evaluateSplit;
    const record = this.state.get(run.name);
    if (split === undefined || record?.status !== 'done' || this.#stopped !== undefined) return;
    const { best_step } = await readRunResult(run.folder);
    if (record.evaluated?.split === split && record.evaluated.step === best_step) return;
    const noMoney = () =>
      this.#say(pc.yellow(`${run.name} is not evaluated: nothing is left of the budget; a larger --budget does it`));
    if (run.config.cost_per_hour > 0 && (await this.#left()) <= 0) return noMoney();
    const name = best_step === null ? 'last' : 'best';
    this.#say(pc.bold(`evaluating ${run.name} on the split "${split}"`));
    if (this.#stopped !== undefined) return;
    const begun = this.#clock();
    const child = this.#start(
      'evaluate',
      [
        ...['--checkpoint', join(run.folder, 'checkpoints', `${name}.safetensors`), '--split', split],
        ...['--data-root', run.dataRoot, '--out', evaluationFolder(run.folder, split), '--full-report'],
        ...(run.engine === undefined ? [] : ['--engine', run.engine]),
      ],
      join(run.folder, 'evaluate.log'),
      (line) => this.#say(`[${run.name}] ${line}`),
    );
    this.#current = child;
    let broke = false;
    const stopWithoutMoney = async () => {
      broke ||= run.config.cost_per_hour > 0 && (await this.#left()) <= 0;
      if (broke) child.stop('SIGTERM');
    };
    const { code, signal, error } = await this.#metered(run, record, 'evaluationUsd', child, begun, () => {
      void stopWithoutMoney().catch(() => {});
    });
    if (code === EXIT.done) record.evaluated = { split, step: best_step };
    await this.state.set(run.name, record);
    if (code === EXIT.done) return;
    if (broke) noMoney();
    else if (this.#stopped === undefined) {
      if (this.#failedEvaluation === undefined) this.#failedEvaluation = code;
      this.#say(pc.red(`${run.name} could not be evaluated: ${error ?? signal ?? `exit code ${code}`}`));
    }
  }

  /** The split that a run's checkpoint was evaluated on as it is now: figures of an earlier one are not shown as its own. */
  #evaluated({ name }: PlannedRun): SplitName | undefined {
    return this.state.get(name)?.evaluated?.split === this.#evaluateSplit ? this.#evaluateSplit : undefined;
  }

  async #writeComparison(): Promise<Comparison> {
    const runs = await Promise.all(
      this.#runs.map(async (planned) => ({
        planned,
        record: this.state.get(planned.name),
        result: await readRunResult(planned.folder, this.#evaluated(planned)),
        spentUsd: await this.#spent(planned),
      })),
    );
    const comparison = compare(runs, this.#reference, this.#limits.budget, this.#evaluateSplit);
    const write = (name: string, text: string) => writeAtomically(join(this.state.folder, name), text);
    await write('comparison.json', `${JSON.stringify(comparison, null, 2)}\n`);
    await write('comparison.csv', comparisonCsv(comparison));
    await write('comparison.md', comparisonMarkdown(comparison));
    return comparison;
  }

  #exitCode(): number {
    if (this.#stopped !== undefined) return this.#stopped;
    const failed = this.#runs.map(({ name }) => this.state.get(name)).find((record) => record?.status === 'failed');
    const code = failed ? failed.exitCode : this.#failedEvaluation;
    if (!failed && code === undefined) return EXIT.done;
    const known: (number | null | undefined)[] = [EXIT.input, EXIT.samples, EXIT.training];
    return known.includes(code) ? code! : EXIT.training;
  }
}
