import { join } from 'node:path';
import type { Console } from '../progress.js';
import { readRunRecord } from '../runReport/runRecord.js';
import { runReportPage } from '../runReport/runReportPage.js';
import { writeRunReport } from '../runReport/writeRunReport.js';
import { SampleSheets } from '../samples/sampleSheets.js';
import { EventFile } from '../tensorboard/eventFile.js';
import { ReportServer } from '../watch/reportServer.js';
import type { MicroBatch } from './microBatch.js';
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
  /** What summary.json would say now. */
  summary: () => object;
};

/**
 * What shows a run to people while it goes on and afterwards: TensorBoard's event file, pictures of what the model saw,
 * the report, and the report served live. None of them can end a run: what cannot be written is said once and left.
 */
export class RunViews {
  readonly #events: EventFile | undefined;
  readonly #sheets: SampleSheets;

  private constructor(
    private readonly options: RunViewsOptions,
    events: EventFile | undefined,
    private readonly server: ReportServer | undefined,
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
    const { folder, stepsDone, watch, log, summary } = options;
    const draw = async () => runReportPage(await readRunRecord(folder, summary()));
    const server = watch === undefined ? undefined : await ReportServer.start(watch, draw);
    if (server) log.info(`watch the run at ${server.url}`);
    const noEvents = (error: Error) => {
      log.warn(`no more events for TensorBoard: ${error.message}`);
      return undefined;
    };
    const events = await EventFile.open(join(folder, 'tensorboard'), { stepsDone, onFailure: noEvents }).catch(
      noEvents,
    );
    return new RunViews(options, events, server);
  }

  /** To be called before the bytes of a micro-batch are moved to the model. */
  onMicro(micro: MicroBatch): void {
    this.#sheets.observe(micro);
  }

  onStep({ step, epoch, losses, lr, gradNorm, clips, stepMs, dataWaitMs }: StepResult, readiness: number): void {
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
      'run/epoch': epoch,
      'run/rss_mb': process.memoryUsage.rss() / 2 ** 20,
    });
    this.server?.moved();
  }

  onValidation({ auc, ap, eer, accuracy }: ValidationResult, step: number): void {
    this.#events?.scalars(step, {
      'validation/auc': auc,
      'validation/ap': ap,
      'validation/eer': eer,
      'validation/accuracy': accuracy,
    });
    this.server?.moved();
  }

  /**
   * Finishes the files; the report is written when summary.json is there.
   * @param report whether there is anything to report of
   */
  async close(report: boolean): Promise<void> {
    const { folder, log } = this.options;
    await this.#sheets.close();
    await this.#events?.close();
    await this.server?.close();
    if (!report) return;
    try {
      const { file, problems } = await writeRunReport(folder);
      for (const problem of problems) log.warn(problem);
      log.info(`report: ${file}`);
    } catch (error) {
      log.warn(`no report.html: ${(error as Error).message}`);
    }
  }
}
