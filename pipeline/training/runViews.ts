import { join } from 'node:path';
import type { PoolUsage } from '../../workers/index.js';
import type { Console, Progress } from '../progress.js';
import { summariseRun } from '../run/describeRun.js';
import { writeRunReport } from '../runReport/writeRunReport.js';
import { SampleSheets } from '../samples/sampleSheets.js';
import { EventFile } from '../tensorboard/eventFile.js';
import { ReportDrawer } from '../watch/reportDrawer.js';
import { ReportServer } from '../watch/reportServer.js';
import type { MicroBatch } from './microBatch.js';
import type { StopReason, TrainingRun } from './trainingRun.js';
import type { StepResult } from './trainStep.js';
import type { ValidationResult } from './validation.js';

export type RunViewsOptions = {
  /** The run's folder. */
  folder: string;
  /** Optimiser steps done before this stretch of the run. */
  stepsDone: number;
  /** Port to serve the report on; 0: any that is free. */
  watch?: number;
  log: Console;
  /** The last optimiser step of the plan. */
  plannedSteps: number;
  /** What makes the samples, where anything does. */
  pool?: { readonly threads: number; readonly usage: PoolUsage; readonly activity: { busy: number; threads: number } };
};

/**
 * What shows a run to people while it goes on and afterwards: TensorBoard's event file, pictures of what the model saw,
 * the report, and the report served live. None of them can end a run: what cannot be written is said once and left.
 */
export class RunViews {
  readonly #events: EventFile | undefined;
  readonly #sheets: SampleSheets;
  #run: TrainingRun | undefined;
  #validated: { auc: number; bestAuc: number } | undefined;
  /** As of the last step: what a stop ends at work is no worker's death. */
  #workers: (PoolUsage & { threads: number }) | undefined;
  #server: ReportServer | undefined;

  private constructor(
    private readonly options: RunViewsOptions,
    events: EventFile | undefined,
    private readonly drawer: ReportDrawer,
  ) {
    const { folder, log } = options;
    this.#events = events;
    this.#sheets = new SampleSheets(
      join(folder, 'samples'),
      ({ step, width, height, jpeg }) => events?.images(step, { samples: { width, height, encoded: jpeg } }),
      (error) => log.warn(`no more pictures of samples: ${error.message}`),
    );
  }

  /** @throws UserError when the report is to be served on a port that cannot be used */
  static async open(options: RunViewsOptions): Promise<RunViews> {
    const { folder, stepsDone, watch, log } = options;
    let views: RunViews | undefined;
    const drawer = new ReportDrawer();
    const draw = () => drawer.draw(folder, views?.summary('running') ?? {});
    const server = watch === undefined ? undefined : await ReportServer.start(watch, draw);
    if (server) log.info(`watch the run at ${server.url}`);
    const noEvents = (error: Error) => {
      log.warn(`no more events for TensorBoard: ${error.message}`);
      return undefined;
    };
    const onFailure = (error: Error) => void noEvents(error);
    const events = await EventFile.open(join(folder, 'tensorboard'), { stepsDone, onFailure }).catch(noEvents);
    views = new RunViews(options, events, drawer);
    views.#server = server;
    return views;
  }

  /** The run to be shown, once it has begun, or begun again from an earlier step. */
  follow(run: TrainingRun): void {
    if (this.#run) this.#events?.rewindTo(run.state.step);
    this.#run = run;
  }

  /** What the live display says beyond the step's own figures. */
  progress(): Partial<Progress> {
    const { pool } = this.options;
    const run = this.#run;
    return {
      ...this.#validated,
      ...(pool && run ? { workers: { ...pool.activity, ahead: run.pairsAhead } } : {}),
      ...(run ? { quarantined: run.state.quarantined.length } : {}),
    };
  }

  /** The content of summary.json; undefined before the run has begun. */
  summary(reason: StopReason | 'running', failure?: unknown): object | undefined {
    return (
      this.#run && {
        ...summariseRun(this.#run, reason),
        planned_steps: this.options.plannedSteps,
        ...(this.#workers ? { workers: this.#workers } : {}),
        ...(failure === undefined ? {} : { error: failure instanceof Error ? failure.message : String(failure) }),
      }
    );
  }

  /** To be called before the bytes of a micro-batch are moved to the model. */
  onMicro(micro: MicroBatch): void {
    this.#sheets.observe(micro);
  }

  onStep(
    { step, epoch, losses, lr, gradNorm, clips, stepMs, dataWaitMs, utilisation }: StepResult,
    readiness: number,
  ): void {
    const { pool } = this.options;
    if (pool) this.#workers = { threads: pool.threads, ...pool.usage };
    this.#events?.scalars(step, {
      'loss/total': losses.total,
      'loss/cross_entropy': losses.ce,
      'loss/hll': losses.hll,
      'hll/gap': losses.gap,
      'hll/real': losses.hllReal,
      'hll/fake': losses.hllFake,
      'optimiser/learning_rate': lr,
      'optimiser/gradient_norm': gradNorm,
      'throughput/step_ms': stepMs,
      'throughput/data_wait_ms': dataWaitMs,
      'throughput/clips_per_second': (1000 * clips) / (stepMs + dataWaitMs),
      'throughput/readiness': readiness,
      ...(utilisation === undefined ? {} : { 'throughput/mfu': utilisation }),
      'run/epoch': epoch,
      'run/rss_mb': process.memoryUsage.rss() / 2 ** 20,
    });
    this.#server?.moved();
  }

  onValidation({ auc, ap, eer, accuracy, inPair }: ValidationResult, step: number, isBest: boolean): void {
    this.#validated = { auc, bestAuc: isBest ? auc : (this.#run?.state.best?.auc ?? auc) };
    this.#events?.scalars(step, {
      'validation/auc': auc,
      'validation/ap': ap,
      'validation/eer': eer,
      'validation/accuracy': accuracy,
      'validation/in_pair': inPair,
    });
    this.#server?.moved();
  }

  /**
   * Finishes the files and writes the report, for which summary.json has to be there. A run that never began has none.
   */
  async close(): Promise<void> {
    const { folder, log } = this.options;
    await this.#sheets.close();
    await this.#events?.close();
    await this.#server?.close();
    await this.drawer.close();
    if (!this.#run) return;
    try {
      const { file, problems } = await writeRunReport(folder);
      for (const problem of problems) log.warn(problem);
      log.info(`report: ${file}`);
    } catch (error) {
      log.warn(`no report.html: ${(error as Error).message}`);
    }
  }
}
